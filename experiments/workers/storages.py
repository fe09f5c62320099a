"""A storage of one's own for as long as needed: a journal, or a PostgreSQL server on a socket.

The server is started from its installed programs (Debian: ``postgresql``) and stopped at the end.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STORAGES = ("postgresql", "journal")


@contextmanager
def opened(kind: str) -> Iterator[str]:
    """Yield what a search is given as its storage."""
    if kind == "postgresql":
        with _server() as url:
            yield url
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield str(Path(folder, "journal"))


@contextmanager
def _server() -> Iterator[str]:
    found = shutil.which("initdb") or max(
        map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    )
    binaries, place = Path(found).resolve().parent, Path(tempfile.mkdtemp(prefix="surrobust-"))
    user = {}
    if os.geteuid() == 0:  # the server refuses to be root
        user = {"user": "postgres", "group": "postgres", "extra_groups": []}
        shutil.chown(place, "postgres")

    def call(program: str, *arguments: str) -> None:
        command = [str(binaries / program), "-D", str(place / "data"), *arguments]
        subprocess.run(command, check=True, cwd=place, stdout=subprocess.DEVNULL, **user)

    call("initdb", "-A", "trust", "-U", "surrobust", "-E", "UTF8", "--locale=C")
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that it is stopped
    call(
        "pg_ctl",
        "-w",
        "-l",
        str(place / "log"),
        "-o",
        f"-c listen_addresses='' -k {place}",
        "start",
    )
    try:
        yield f"postgresql://surrobust@/postgres?host={place}"
    finally:
        call("pg_ctl", "-w", "-m", "immediate", "stop")
        shutil.rmtree(place)
        signal.signal(signal.SIGTERM, before)

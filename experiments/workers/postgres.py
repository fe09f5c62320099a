"""A PostgreSQL server of one's own, on a socket in a temporary folder, for as long as needed."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def server() -> Iterator[str]:
    """Start a server from the installed programs (Debian: ``postgresql``) and yield its URL."""
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
    options = f"-c listen_addresses='' -k {place}"
    call("pg_ctl", "-w", "-l", str(place / "log"), "-o", options, "start")
    try:
        yield f"postgresql://surrobust@/postgres?host={place}"
    finally:
        call("pg_ctl", "-w", "-m", "immediate", "stop")
        shutil.rmtree(place)

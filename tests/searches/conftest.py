"""Toy objectives and pools for the tests of searches, and places where workers meet."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from surrobust.searches import SEARCHES, AbstractSearch
from surrobust.searches.sharing.storage import close_storage, open_storage
from surrobust.spaces import Architecture, NASBench201
from surrobust.testing.searches import small_pool, smooth


@pytest.fixture(scope="session")
def objective() -> Callable[[Architecture], float]:
    return smooth


@pytest.fixture(scope="session")
def pool() -> list[Architecture]:
    return list(small_pool())


@pytest.fixture
def start(space: NASBench201) -> Callable[..., AbstractSearch]:
    """Start a strategy by its name."""

    def start_named(name: str, **options: object) -> AbstractSearch:
        return SEARCHES[name](space, **options)

    return start_named


def _postgres_binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs; Debian keeps them off the path."""
    found = shutil.which("initdb")
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    return Path(found).resolve().parent if found else next((p.parent for p in places), None)


class Server:
    """A PostgreSQL server on a socket of its own, in a new folder below ``/tmp``."""

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        # The server refuses to be root; a socket's path must be short.
        self._user: dict[str, Any] = {}
        self._place = Path(tempfile.mkdtemp(prefix="surrobust-"))
        if os.geteuid() == 0:
            self._user = {"user": "postgres", "group": "postgres", "extra_groups": []}
            shutil.chown(self._place, "postgres")
        options = ("-A", "trust", "-U", "surrobust", "--no-sync", "-E", "UTF8", "--locale=C")
        self._call("initdb", *options)
        self.url = f"postgresql://surrobust@/postgres?host={self._place}"
        self.start()

    def _call(self, program: str, *arguments: object) -> None:
        data = self._place / "data"
        command = [str(self._binaries / program), "-D", str(data), *map(str, arguments)]
        with (self._place / "out").open("ab") as out:
            subprocess.run(
                command, check=True, cwd=self._place, stdout=out, stderr=out, **self._user
            )

    def start(self) -> None:
        options = f"-c listen_addresses='' -c fsync=off -k {self._place}"
        self._call("pg_ctl", "-w", "-l", self._place / "log", "-o", options, "start")

    def stop(self, mode: str) -> None:
        self._call("pg_ctl", "-w", "-m", mode, "stop")

    def remove(self) -> None:
        shutil.rmtree(self._place)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A PostgreSQL server that is started for the tests.

    Skipped where there is none, unless SURROBUST_REQUIRE_POSTGRES is set.
    """
    binaries = _postgres_binaries()
    try:
        import psycopg  # noqa: F401
    except ImportError:
        binaries = None
    if binaries is None:
        if os.environ.get("SURROBUST_REQUIRE_POSTGRES"):
            pytest.fail("SURROBUST_REQUIRE_POSTGRES is set, but PostgreSQL was not found")
        pytest.skip("PostgreSQL or psycopg is not installed")
    server = Server(binaries)
    try:
        yield server
    finally:
        server.stop("immediate")
        server.remove()


@pytest.fixture
def postgres(postgres_server: Server) -> str:
    """The URL of the server."""
    return postgres_server.url


@pytest.fixture
def journal(tmp_path: Path) -> str:
    """The path of a journal file that is not there yet."""
    return str(tmp_path / "search.journal")


@pytest.fixture(params=["journal", "postgres"])
def storage(request: pytest.FixtureRequest) -> str:
    """A place where workers meet: each test is run with a journal file and with a database."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture
def open_place() -> Iterator[Callable[[str], Any]]:
    """Opens storages that are closed when the test ends."""
    opened = []

    def open_one(place: str) -> Any:
        opened.append(open_storage(place))
        return opened[-1]

    yield open_one
    for one in opened:
        close_storage(one)


@pytest.fixture
def study() -> str:
    """The name of a study that is not in any storage yet."""
    return uuid4().hex

"""Toy objectives and pools for the tests of searches, and places where workers meet."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from surrobust.searches import SEARCHES, AbstractSearch
from surrobust.searches.storage import close_storage, open_storage
from surrobust.spaces import Architecture, NASBench201


def smooth(cell: Architecture) -> float:
    """A made-up accuracy: convolutions help, more so late in the cell."""
    gain = np.array([-0.02, 0.01, 0.03, 0.05, 0.0])
    return float(0.3 + sum(gain[op] * (1 + 0.1 * e) for e, op in enumerate(cell.ops)))


@pytest.fixture(scope="session")
def objective() -> Callable[[Architecture], float]:
    return smooth


@pytest.fixture(scope="session")
def pool(space: NASBench201) -> list[Architecture]:
    """Cells, isomorphic ones included, that begin with a skip and have few ops in other places."""
    return [c for c in space if c.ops[0] == 1 and max(c.ops[1], c.ops[2], c.ops[5]) <= 1][:90]


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


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server that is started for the tests, on a socket of its own.

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
    # The server refuses to be root; a socket's path must be short.
    user: dict[str, Any] = {}
    place = Path(tempfile.mkdtemp(prefix="surrobust-"))
    if os.geteuid() == 0:
        user = {"user": "postgres", "group": "postgres", "extra_groups": []}
        shutil.chown(place, "postgres")

    def call(program: str, *arguments: object) -> None:
        command = [str(binaries / program), "-D", str(place / "data"), *map(str, arguments)]
        with (place / "out").open("ab") as out:
            subprocess.run(command, check=True, cwd=place, stdout=out, stderr=out, **user)

    call("initdb", "-A", "trust", "-U", "surrobust", "--no-sync", "-E", "UTF8", "--locale=C")
    options = f"-c listen_addresses='' -c fsync=off -k {place}"
    call("pg_ctl", "-w", "-l", place / "log", "-o", options, "start")
    try:
        yield f"postgresql://surrobust@/postgres?host={place}"
    finally:
        call("pg_ctl", "-w", "-m", "immediate", "stop")
        shutil.rmtree(place)


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

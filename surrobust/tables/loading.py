"""Loading a table: find its files, verify them, read them; once per process."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from .._checks import check_choice
from .._files import read_text, sha256
from .._places import data_dirs, shipped_folder
from .._sources import (
    Source,
    list_archives,
    list_sources,
    locate,
    places,
    read_verified,
    sources_of,
)
from ..errors import MissingMeasurementError
from ..typing import AnyPath
from . import records
from .published import hwnasbench, jung2023, nasrobbench201
from .published.imports import find_imported, read_imported
from .table import MeasurementTable, TableReader

TABLES: Mapping[str, TableReader] = MappingProxyType(
    {
        nasrobbench201.NAME: TableReader(nasrobbench201.read),
        jung2023.NAME: TableReader(jung2023.read),
        hwnasbench.NAME: TableReader(hwnasbench.read, per_cell=True),
    }
)
"""How each published source is read, by the name of its table."""

_RECORDS = ".jsonl"

_Stamp = tuple[str, int, int]


def load_table(name: str, *, data_dir: AnyPath | None = None) -> MeasurementTable:
    """Return the measurement table of a benchmark.

    Its files are looked for in ``data_dir`` alone if that is given, otherwise in
    ``$SURROBUST_DATA``, then in the per-user cache; each is verified by sha256. The published
    copies are preferred; where one is missing, a table imported from the official files is used.
    A table is read once per process, and again only after its files have changed.

    Args:
        name: A name of :data:`TABLES`; ``records`` for the cells that we have trained and attacked
            ourselves; or a file of such records (``.jsonl``), as ``surrobust verify --out`` writes.
        data_dir: The folder of the published files.

    Raises:
        InvalidInputError: If the name is not known.
        MissingMeasurementError: If a file is not there.
        ChecksumError: If a file is not the published one.
    """
    if str(name).endswith(_RECORDS) or name == records.NAME:
        return _load_records(name)
    check_choice("table", name, (*TABLES, records.NAME))
    missing = [source for source in sources_of(name) if locate(source, data_dir) is None]
    imported = find_imported(name, data_dir) if missing else None
    if imported is not None:
        return _load_imported(name, _stamp(imported))
    return _load_published(name, tuple(map(_stamp, _paths(name, data_dir))))


def _load_records(name: str) -> MeasurementTable:
    if name != records.NAME:
        read_text(name)  # raises where it cannot be read
        return records.records_table(records.read_records(name))
    # A file has one recipe at one fidelity, and its name says of which images: targets have it, so
    # that another recipe on the same images is another file.
    return records.records_table(
        {**record, "images": path.stem}
        for path in sorted((shipped_folder("data") / "records").glob(f"*{_RECORDS}"))
        for record in records.read_records(path)
    )


def read_files(name: str, data_dir: AnyPath | None = None) -> dict[str, bytes]:
    """Return the verified bytes of the files of a table, by file name.

    Raises:
        MissingMeasurementError: If a file is not there.
        ChecksumError: If a file is not the published one.
    """
    return _read(name, _paths(name, data_dir))


def _paths(name: str, data_dir: AnyPath | None) -> list[Path]:
    paths = []
    for source in sources_of(name):
        path = locate(source, data_dir)
        if path is None:
            folders = " or ".join(str(folder) for folder in data_dirs(data_dir))
            option = "" if data_dir is None else f" --data-dir {data_dir}"
            msg = (
                f"{name}: expected {source.path} in {folders}, got no such file: "
                f"run surrobust data fetch {name}{option}"
            )
            raise MissingMeasurementError(msg)
        paths.append(path)
    return paths


def _read(name: str, paths: list[Path]) -> dict[str, bytes]:
    pairs = zip(sources_of(name), paths, strict=True)
    return {source.name: read_verified(source, path) for source, path in pairs}


def _stamp(path: Path) -> _Stamp:
    # Not by content: all of it would be read to find out whether it need be.
    found = path.stat()
    return str(path), found.st_mtime_ns, found.st_size


@lru_cache(maxsize=8)
def _load_published(name: str, stamps: tuple[_Stamp, ...]) -> MeasurementTable:
    contents = _read(name, [Path(path) for path, _, _ in stamps])
    sources = sources_of(name)
    return MeasurementTable(
        name,
        TABLES[name].read(contents),
        per_cell=TABLES[name].per_cell,
        citation="; ".join(dict.fromkeys(source.citation for source in sources)),
        checksums={source.name: source.sha256 for source in sources},
    )


@lru_cache(maxsize=8)
def _load_imported(name: str, stamp: _Stamp) -> MeasurementTable:
    return read_imported(Path(stamp[0]), name=name)


@dataclass(frozen=True, slots=True)
class FileStatus:
    """What is known about one published file on this machine.

    Args:
        source: The published file.
        path: Where it was found, None where it was not.
        state: ``ready``, ``changed`` (its sha256 differs; it will not be used) or ``missing``.
    """

    source: Source
    path: Path | None
    state: str


def find_data_dir(data_dir: AnyPath | None = None) -> Path | None:
    """Return the first of the folders that holds any published file, None if none does."""
    for folder in data_dirs(data_dir):
        if any(path.is_file() for source in list_sources() for path in places(source, folder)):
            return folder
    return None


def check_files(data_dir: AnyPath | None = None) -> list[FileStatus]:
    """Return for every published file whether it is here and unchanged."""
    found = []
    for source in (*list_sources(), *list_archives()):
        path = locate(source, data_dir)
        if path is None:
            state = "missing"
        else:
            state = "ready" if sha256(path) == source.sha256 else "changed"
        found.append(FileStatus(source, path, state))
    return found

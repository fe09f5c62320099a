"""Where the published files are looked for, and whether what lies there is what was published."""

from dataclasses import dataclass
from pathlib import Path

from .._files import data_dirs, sha256
from .._sources import Source, list_archives, list_sources, locate, places
from ..typing import AnyPath


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

"""Where the published files are looked for, and whether what lies there is what was published."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from .._files import data_dirs, sha256
from ..errors import ChecksumError, InvalidInputError
from ..typing import AnyPath
from ._sources import Source, list_sources


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


def places(source: Source, folder: Path) -> tuple[Path, Path]:
    """Return the two places of a file in a folder: as published, and without sub-folders."""
    return folder / source.path, folder / source.name


def locate(source: Source, data_dir: AnyPath | None = None) -> Path | None:
    """Return the first place where a published file lies, None if it lies nowhere."""
    return next(
        (path for folder in data_dirs(data_dir) if (path := locate_in(source, folder))), None
    )


def locate_in(source: Source, folder: Path) -> Path | None:
    """Return the place of a published file in one folder, None if it is not in it."""
    return next((path for path in places(source, folder) if path.is_file()), None)


def read_verified(source: Source, path: Path) -> bytes:
    """Return a file's bytes after checking that they are the published ones.

    Raises:
        ChecksumError: If their sha256 differs.
        InvalidInputError: If the file cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        msg = f"{path}: expected a readable file, got: {error.strerror or error}"
        raise InvalidInputError(msg) from None
    found = hashlib.sha256(content).hexdigest()
    if found != source.sha256:
        msg = (
            f"{path}: expected sha256 {source.sha256}, got {found} ({len(content)} of "
            f"{source.bytes} bytes): delete it and run surrobust data fetch"
        )
        raise ChecksumError(msg)
    return content


def check_files(data_dir: AnyPath | None = None) -> list[FileStatus]:
    """Return for every published file whether it is here and unchanged."""
    found = []
    for source in list_sources():
        path = locate(source, data_dir)
        if path is None:
            state = "missing"
        else:
            state = "ready" if sha256(path) == source.sha256 else "changed"
        found.append(FileStatus(source, path, state))
    return found

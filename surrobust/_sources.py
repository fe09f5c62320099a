"""The lists of published files in ``data/sources.toml``, and where the files lie here."""

import hashlib
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from ._places import data_dirs, shipped_folder
from .errors import ChecksumError, InvalidInputError
from .typing import AnyPath


@dataclass(frozen=True, slots=True)
class Source:
    """One published file.

    Args:
        path: Its place in a data folder, ``<published folder>/<name>``.
        used_by: The tables or image sets that are read from it.
        url: Where it is published.
        sha256: 64 hexadecimal digits.
        bytes: Its size.
        licence: What the publishing repository states.
        citation: The work that measured what is in it.
    """

    path: str
    used_by: tuple[str, ...]
    url: str
    sha256: str
    bytes: int
    licence: str
    citation: str

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return PurePosixPath(self.path).name


@cache
def list_sources() -> tuple[Source, ...]:
    """Return every published file that tables are read from, in the order of ``sources.toml``."""
    return _read("files")


@cache
def list_archives() -> tuple[Source, ...]:
    """Return the official archives of image sets, which are large."""
    return _read("archives")


@cache
def imagenet16_sums() -> dict[str, str]:
    """Return the md5 of ImageNet16's official files, by name."""
    return dict(_document()["imagenet16"])


@cache
def cifar_sums(images: str) -> dict[str, str]:
    """Return the sha1 of the files in the archive of ``cifar10`` or ``cifar100``, by name."""
    return dict(_document()["cifar"][images])


def _document() -> dict[str, Any]:
    with (shipped_folder("data") / "sources.toml").open("rb") as file:
        return tomllib.load(file)


def _read(section: str) -> tuple[Source, ...]:
    entries = _document().get(section, [])
    return tuple(Source(**{**entry, "used_by": tuple(entry["used_by"])}) for entry in entries)


def sources_of(table: str) -> tuple[Source, ...]:
    """Return the files that a table is read from."""
    return tuple(source for source in list_sources() if table in source.used_by)


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
        with path.open("rb") as file:
            # One byte more tells that it is another file; what is there may be of any size.
            content = file.read(source.bytes + 1)
    except OSError as error:
        msg = f"{path}: expected a readable file, got: {error.strerror or error}"
        raise InvalidInputError(msg) from None
    found = hashlib.sha256(content).hexdigest()
    if found != source.sha256:
        size = "more than" if len(content) > source.bytes else f"{len(content)} of"
        msg = (
            f"{path}: expected sha256 {source.sha256}, got another ({size} "
            f"{source.bytes} bytes): delete it and run surrobust data fetch"
        )
        raise ChecksumError(msg)
    return content

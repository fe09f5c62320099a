"""The list of published files, ``data/sources.toml``."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

_PACKAGE = Path(__file__).resolve().parents[1]
_PLACES = (_PACKAGE / "_data" / "sources.toml", _PACKAGE.parent / "data" / "sources.toml")


@dataclass(frozen=True, slots=True)
class Source:
    """One published file.

    Args:
        path: Its place in a data folder, ``<published folder>/<name>``.
        used_by: The tables that are read from it.
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
    """Return every published file that the package reads, in the order of ``sources.toml``."""
    # A wheel carries the list inside the package; a checkout has it beside the package.
    place = next((path for path in _PLACES if path.is_file()), _PLACES[0])
    with place.open("rb") as file:
        entries = tomllib.load(file)["files"]
    return tuple(Source(**{**entry, "used_by": tuple(entry["used_by"])}) for entry in entries)


def sources_of(table: str) -> tuple[Source, ...]:
    """Return the files that a table is read from."""
    return tuple(source for source in list_sources() if table in source.used_by)

"""Places: where data lie and what comes with the package, what is there, how a path is told."""

import os
from collections.abc import Iterator
from pathlib import Path

from .typing import AnyPath

ENVIRONMENT = "SURROBUST_DATA"
"""The environment variable that names a data folder."""


def cache_dir() -> Path:
    """Return the per-user cache directory, where ``surrobust data fetch`` puts files."""
    import pooch

    return Path(pooch.os_cache("surrobust"))


def shipped_folder(name: str) -> Path:
    """Return the folder ``data`` or ``models`` that comes with the package.

    It lies inside of the package where that was installed, beside it in a checkout.
    """
    package = Path(__file__).resolve().parent
    inside = package / f"_{name}"
    return inside if inside.is_dir() else package.parent / name


def data_dirs(data_dir: AnyPath | None = None) -> Iterator[Path]:
    """Yield the folders in which files are looked for, in order.

    A folder that was asked for is the only one; otherwise ``$SURROBUST_DATA``, then the per-user
    cache.
    """
    if data_dir is not None:
        yield expand(data_dir)
        return
    if named := os.environ.get(ENVIRONMENT):
        yield expand(named)
    yield cache_dir()


def expand(path: AnyPath) -> Path:
    """Return a path with ``~`` resolved, or as it is where there is no such user."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


# Path's own raise where a name is too long, as an architecture's text may be that is tried as one.
def exists(path: AnyPath) -> bool:
    """Return whether something has this path; what can be no path names nothing."""
    return os.path.exists(path)  # noqa: PTH110


def is_file(path: AnyPath) -> bool:
    """Return whether a text names a file; what can be no path names none."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: AnyPath) -> bool:
    """Return whether a text names a folder; what can be no path names none."""
    return os.path.isdir(path)  # noqa: PTH112


_LONGEST_NAME = 200


def shown(path: AnyPath) -> str:
    """Return a path as messages have it; of a long one only the end."""
    text = str(path)
    return text if len(text) <= _LONGEST_NAME else f"...{text[-_LONGEST_NAME:]}"

"""Folders to write into."""

import os
from pathlib import Path

from ..errors import InvalidInputError


def check_writable(out: Path) -> None:
    """Refuse, before anything is computed, a path where no folder can be made or written.

    Raises:
        InvalidInputError: If so.
    """
    path = out.absolute()
    there = next(folder for folder in (path, *path.parents) if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        msg = f"--out: expected a folder that can be written, got {out}, but {there} cannot be"
        raise InvalidInputError(msg)


def check_appendable(out: Path) -> None:
    """Refuse, before anything is computed, a path where no file can be made or appended to.

    Raises:
        InvalidInputError: If so.
    """
    if out.is_dir() or (out.exists() and not os.access(out, os.W_OK)):
        msg = f"--out: expected a file that can be written, got {out}"
        raise InvalidInputError(msg)
    check_writable(out.absolute().parent)

"""Folders to write into."""

import os
import stat
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
    try:
        # A device or a pipe takes no records.
        can_be = stat.S_ISREG(out.stat().st_mode) and os.access(out, os.W_OK)
    except (FileNotFoundError, NotADirectoryError):
        can_be = True
    except OSError:  # a link to itself, say
        can_be = False
    if not can_be:
        msg = f"--out: expected a file that can be written, got {out}"
        raise InvalidInputError(msg)
    check_writable(out.absolute().parent)

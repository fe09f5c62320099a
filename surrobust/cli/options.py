"""The options that every command has, those that several share, and folders to write into."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from .._checks import brief
from ..errors import InvalidInputError


class PathOption(click.Path):
    """A path, whatever is there; what can be none is refused before anything runs."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path."""
        try:
            Path(value).lstat()
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            pass
        except (OSError, ValueError) as error:  # too long, or with a NUL or half a surrogate
            reason = getattr(error, "strerror", None) or error
            self.fail(f"expected a path, got {brief(str(value))}: {reason}", param, ctx)
        return Path(value)


PATH = PathOption()

F = TypeVar("F", bound=Callable[..., Any])

# What scikit-learn, and numpy's RandomState behind it, take at most.
LARGEST_SEED = 2**32 - 1

# Read by running.main before the arguments are parsed, so that it holds for parsing too.
debug_option = click.option(
    "--debug", is_flag=True, expose_value=False, help="Show the traceback of an error."
)

_json = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document on stdout, nothing else."
)


def _seed(*, used: bool) -> Callable[[F], F]:
    told = "Seed of everything random." if used else "Accepted everywhere; nothing is random here."
    return click.option(
        "--seed",
        type=click.IntRange(0, LARGEST_SEED),
        default=0,
        show_default=True,
        expose_value=used,
        help=told,
    )


def common_options(*, seed: bool) -> Callable[[F], F]:
    """Add ``--json``, ``--seed`` and ``--debug``.

    Args:
        seed: Whether the command uses its seed and so receives it.
    """

    def add(command: F) -> F:
        return _json(_seed(used=seed)(debug_option(command)))

    return add


def examples(*lines: str) -> str:
    """Return the epilog of a command's help: what may be typed after ``surrobust``."""
    shown = "\n".join(f"  surrobust {line}" for line in lines)
    return f"\b\nExamples:\n{shown}"


data_dir_option = click.option(
    "--data-dir",
    type=PATH,
    help="Folder of the tables; otherwise $SURROBUST_DATA, then the per-user cache.",
)


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

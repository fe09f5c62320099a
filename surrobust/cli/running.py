"""Running a command: every way in which it may end becomes an exit code and at most one line."""

import errno
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from .._places import shown
from .._streams import lenient_stderr, strict_stdout
from ..errors import SurrobustError, WorkersLostError
from .output import drop, hold_message, message, release
from .tree import root

# 2 as click has it; 130 is 128 + SIGINT, as shells do.
DONE, FAILED, MISTAKE, INTERRUPTED = 0, 1, 2, 130

# What a wrong path raises. Other OSErrors, such as a full disk, are nobody's mistake.
_PATH_ERRORS = (
    FileExistsError,
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
)
# ENODEV is what _files raises for a pipe or device in the place of a file.
_PATH_NUMBERS = (errno.ELOOP, errno.ENAMETOOLONG, errno.ENODEV, errno.ENXIO, errno.EROFS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        arguments: What follows the program's name; None reads ``sys.argv``.

    Returns:
        0 done, 2 the caller's mistake, 130 interrupted, 1 anything else.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    with lenient_stderr(), strict_stdout(), _warnings_held():
        return _run(given)


def _run(given: list[str]) -> int:
    debug = "--debug" in given or bool(os.environ.get("SURROBUST_DEBUG"))
    try:
        code = root.main(given, prog_name="surrobust", standalone_mode=False)
        release()
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit):  # the latter is click's answer to a broken pipe
        return FAILED
    except (KeyboardInterrupt, EOFError, click.Abort):
        message("surrobust: interrupted")
        return INTERRUPTED
    except Exception as error:
        if debug:
            release()
            traceback.print_exc()
        drop()
        return _tell(error, debug=debug)
    return code if isinstance(code, int) else DONE


def _tell(error: Exception, *, debug: bool) -> int:
    """Print an error as one line and return its exit code."""
    if isinstance(error, click.UsageError) and error.ctx is not None:
        path = error.ctx.command_path
        message(f"{path}: {error.format_message()} (see {path} --help)")
        return MISTAKE
    if isinstance(error, click.ClickException):
        message(f"surrobust: {error.format_message()}")
        return MISTAKE
    # Notes of one line are the package's own; those of several are tracebacks of workers.
    notes = "".join(f", {note}" for note in getattr(error, "__notes__", ()) if "\n" not in note)
    if isinstance(error, SurrobustError):
        message(f"surrobust: {error}{notes}")
        return MISTAKE
    if isinstance(error, OSError) and (
        isinstance(error, _PATH_ERRORS) or error.errno in _PATH_NUMBERS
    ):
        message(f"surrobust: {shown(error.filename or 'file')}: {error.strerror or error}")
        return MISTAKE
    if isinstance(error, OSError):  # the network or the disk, with its reason
        told = f"{shown(error.filename)}: {error.strerror}" if error.filename else error
        message(f"surrobust: {told}{notes}")
        return FAILED
    if isinstance(error, WorkersLostError):
        message(f"surrobust: {error}{notes}")
        return FAILED
    hint = "" if debug else " (--debug shows where)"
    message(f"surrobust: unexpected {type(error).__name__}: {error}{notes}{hint}")
    return FAILED


class _MessageHandler(logging.Handler):
    """What the library logs, as messages on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        """Hold the record as a message, or tell it at once if it says so."""
        hold_message(f"surrobust: {record.getMessage()}")
        if getattr(record, "at_once", False):
            release()


@contextmanager
def _warnings_held() -> Iterator[None]:
    """Tell what the library logs while a command runs, and not what it logs to other users.

    Python's warnings, those of libraries that meet a damaged file, are told likewise.
    """
    logger = logging.getLogger(__package__.partition(".")[0])
    handler = _MessageHandler(logging.WARNING)
    logger.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _hold_warning
            yield
    finally:
        logger.removeHandler(handler)
        drop()


def _hold_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    hold_message(f"surrobust: {message}")

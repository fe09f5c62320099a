"""Standard streams that may be full, broken, closed or none, and what is written to them.

What is told on stderr never ends any work; a result that stdout does not take is an error. Names
and texts come from files of others: what would steer a terminal is shown as an escape.
"""

import errno
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO, cast

AT_ONCE = {"at_once": True}
"""The ``extra`` of what is logged when something is waited for: a command tells it at once."""

_UNUSABLE = (OSError, ValueError)
"""What a stream raises that cannot be written to; ValueError where Python has closed it."""

_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters but tabs and ends of lines, what turns the direction of text, and halves of
surrogates, which stand for bytes of file names that are not UTF-8."""


def escaped(text: str) -> str:
    """Return text in which what would steer a terminal is written as Python writes it."""
    return _STEERING.sub(lambda found: ascii(found[0])[1:-1], text)


def as_it_is(stream: TextIO) -> TextIO:
    """Return a stream for what draws on a terminal itself, as bars do; it escapes nothing."""
    return cast(TextIO, stream.unescaping()) if isinstance(stream, _Guarded) else stream


@contextmanager
def lenient_stderr() -> Iterator[None]:
    """Let ``sys.stderr`` drop what it cannot write while this is entered.

    So it is for whatever writes there: messages, bars, the log, warnings, tracebacks.
    """
    with _guarded("stderr", 2, lambda _: None):
        yield


@contextmanager
def strict_stdout() -> Iterator[None]:
    """Let ``sys.stdout`` raise an OSError that names it where it cannot write, or there is none."""
    with _guarded("stdout", 1, _raise_by_name):
        yield


@contextmanager
def _guarded(name: str, descriptor: int, fail: Callable[[Exception], None]) -> Iterator[None]:
    before = getattr(sys, name)
    _occupy(descriptor)
    setattr(sys, name, _Guarded(before, fail))
    try:
        yield
    finally:
        setattr(sys, name, before)
        _give_up(before)


def _raise_by_name(error: Exception) -> None:
    # A ValueError as well, but of the text: the stream is well.
    if isinstance(error, UnicodeError):
        raise error
    number = (error.errno if isinstance(error, OSError) else None) or errno.EBADF
    raise OSError(number, os.strerror(number), "standard output") from None


def _occupy(descriptor: int) -> None:
    """Keep a file that is opened later from becoming a standard stream, which children inherit."""
    try:
        os.fstat(descriptor)
    except OSError:
        # The lowest number that is free: the stream's own where those below it are open.
        opened = os.open(os.devnull, os.O_RDWR)
        if opened == descriptor:
            # Children get the standard streams; what Python opens they do not.
            os.set_inheritable(descriptor, True)
        else:
            os.dup2(opened, descriptor)
            os.close(opened)


def _give_up(stream: TextIO | None) -> None:
    """Let go of what cannot be written: at its exit, Python would make it the exit code 120."""
    if stream is None:
        return
    with suppress(*_UNUSABLE):
        try:
            stream.flush()
        except _UNUSABLE:
            with Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())
            # Empties the buffer, into nowhere; else it would be flushed again at the exit.
            stream.flush()


class _Guarded:
    """A stream of text, or none, that answers itself for what it cannot write.

    Args:
        stream: What is written to.
        fail: Called with what it raised.
        clean: Makes of each text what is written.
    """

    def __init__(
        self,
        stream: TextIO | None,
        fail: Callable[[Exception], None],
        clean: Callable[[str], str] = escaped,
    ) -> None:
        self._stream, self._fail, self._clean = stream, fail, clean

    def unescaping(self) -> "_Guarded":
        return _Guarded(self._stream, self._fail, str)

    def write(self, text: str) -> int:
        try:
            if self._stream is None:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            self._stream.write(self._clean(text))
        except _UNUSABLE as error:
            self._fail(error)
        # As if all were written, or else the caller would try the rest again.
        return len(text)

    def flush(self) -> None:
        try:
            if self._stream is not None:
                self._stream.flush()
        except _UNUSABLE as error:
            self._fail(error)

    def isatty(self) -> bool:
        try:
            return self._stream is not None and self._stream.isatty()
        except ValueError:
            return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

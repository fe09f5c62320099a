"""Architectures on the way in: arguments, files, standard input."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from ..errors import InvalidArchitectureError, InvalidInputError
from ..spaces import Architecture
from .formats import FORMATS, OPENINGS, parse_document, parse_inline

MAX_BYTES = 64 * 2**20
"""A file of architectures above this size is refused."""

LONGEST_NAME = 200
"""Of a longer path only the end is shown."""

STANDARD_INPUT = "standard input"


def read_architectures(arguments: Sequence[str]) -> list[Architecture]:
    """Read what was given on the command line, in its order, repetitions kept.

    Args:
        arguments: Each a genotype, an index, a code, JSON text, the path of a file, or ``-``.

    Raises:
        InvalidInputError: If something in it is not an architecture, a file cannot be read, or
            standard input is named twice.
    """
    if sum(argument == "-" for argument in arguments) > 1:
        msg = "-: expected standard input once, got it twice"
        raise InvalidInputError(msg)
    cells: list[Architecture] = []
    for argument in arguments:
        cells += _read_argument(argument)
    return cells


def _read_argument(argument: str) -> list[Architecture]:
    if argument == "-":
        return _read_standard_input()
    if _is_file(argument):
        return read_file(Path(argument))
    if argument.lstrip().startswith(OPENINGS):
        return parse_inline(argument, "architecture")
    try:
        return [Architecture.parse(argument)]
    except InvalidArchitectureError as error:
        if argument.strip() and "|" not in argument and not argument.strip().isdigit():
            msg = f"{error}, and there is no such file"
            raise InvalidInputError(msg) from None
        raise


def _is_file(argument: str) -> bool:
    """Return whether an argument is to be read as a path: a known ending, or something there."""
    if argument.lstrip().startswith(OPENINGS) or argument.isdigit():
        return False
    path = Path(argument)
    if path.suffix.lower() in FORMATS:
        return True
    try:
        return bool(argument) and path.exists()
    except (OSError, ValueError):
        return False


def read_file(path: Path) -> list[Architecture]:
    """Read a file of architectures; its ending, or else its content, tells the format.

    Raises:
        InvalidInputError: If it cannot be read, or something in it is not an architecture.
    """
    name = str(path) if len(str(path)) <= LONGEST_NAME else f"...{str(path)[-LONGEST_NAME:]}"
    try:
        with path.open("rb") as file:
            text = _read_stream(file, name)
    except InvalidInputError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        msg = f"{name}: expected a readable file of architectures, got: {reason}"
        raise InvalidInputError(msg) from None
    return parse_document(text, name, FORMATS.get(path.suffix.lower()))


def _read_standard_input() -> list[Architecture]:
    if sys.stdin is None:
        msg = f"{STANDARD_INPUT}: expected architectures, got a closed stream"
        raise InvalidInputError(msg)
    return parse_document(_read_stream(sys.stdin.buffer, STANDARD_INPUT), STANDARD_INPUT)


def _read_stream(stream: IO[bytes], name: str) -> str:
    content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        msg = f"{name}: expected at most {MAX_BYTES // 2**20} MiB, got more"
        raise InvalidInputError(msg)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{name}: expected UTF-8 text, got byte {content[error.start]:#04x}"
        raise InvalidInputError(msg) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        msg = f"{name}: line {line}: expected text, got a NUL byte"
        raise InvalidInputError(msg)
    return text

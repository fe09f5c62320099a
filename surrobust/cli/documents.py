"""Architectures on the way in: arguments, files, standard input."""

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from .._files import MAX_BYTES, decode, exists, read_bytes, shown
from ..errors import InvalidArchitectureError, InvalidInputError
from ..spaces import Architecture, check_numbers
from .formats import FORMATS, OPENINGS, Parse, parse_document, parse_inline

STANDARD_INPUT = "standard input"

A = TypeVar("A")


def read_architectures(arguments: Sequence[str]) -> list[Architecture]:
    """Read cells of NAS-Bench-201 as :func:`read_each` does."""
    return read_each(arguments, Architecture.parse)


def read_each(arguments: Sequence[str], parse: Parse[A]) -> list[A]:
    """Read what was given on the command line, in its order, repetitions kept.

    Args:
        arguments: Each a genotype, an index, a code, JSON text, the path of a file, or ``-``.
        parse: Reads one of them that is no file.

    Raises:
        InvalidInputError: If something in it is not an architecture, a file cannot be read, or
            standard input is named twice.
    """
    if sum(argument == "-" for argument in arguments) > 1:
        msg = "-: expected standard input once, got it twice"
        raise InvalidInputError(msg)
    cells: list[A] = []
    for argument in arguments:
        cells += _read_argument(argument, parse)
    check_numbers((argument, "architecture") for argument in arguments if len(argument) == 6)
    return cells


def _read_argument(argument: str, parse: Parse[A]) -> list[A]:
    if argument == "-" or _is_file(argument):
        content, name = read_source(argument)
        written = FORMATS.get(Path(argument).suffix.lower())
        return parse_document(decode(content, name=name), name, written, parse=parse)
    if argument.lstrip().startswith(OPENINGS):
        return parse_inline(argument, "architecture", parse)
    try:
        return [parse(argument)]
    except InvalidArchitectureError as error:
        if argument.strip() and "|" not in argument and not argument.strip().isdigit():
            msg = f"{error}, and there is no such file"
            raise InvalidInputError(msg) from None
        raise


def _is_file(argument: str) -> bool:
    """Return whether an argument is to be read as a path: a known ending, or something there."""
    if argument.lstrip().startswith(OPENINGS) or argument.isdigit():
        return False
    return Path(argument).suffix.lower() in FORMATS or (bool(argument) and exists(argument))


def read_source(source: str) -> tuple[bytes, str]:
    """Return what a file holds, or standard input for ``-``, and what messages call it.

    Raises:
        InvalidInputError: If it cannot be read, or is too large.
    """
    if source != "-":
        return read_bytes(source, most=MAX_BYTES), shown(source)
    if sys.stdin is None:
        msg = f"{STANDARD_INPUT}: expected a text, got a closed stream"
        raise InvalidInputError(msg)
    content = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        msg = f"{STANDARD_INPUT}: expected at most {MAX_BYTES // 2**20} MiB, got more"
        raise InvalidInputError(msg)
    return content, STANDARD_INPUT


def describe_source(source: str, content: bytes) -> dict[str, str]:
    """Return what a card says of a file of the user's."""
    return {"file": Path(source).name, "sha256": hashlib.sha256(content).hexdigest()}

"""Architectures on the way in: arguments, standard input, files in JSON, JSON lines, CSV, lines.

Every refusal is one line that names the source, the line or item, and the part.
"""

import hashlib
import io
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from .._checks import brief
from .._files import MAX_BYTES, MAX_ROWS, decode, parse_json, read_bytes
from .._places import exists, shown
from .._seals import check_seal
from ..errors import InvalidArchitectureError, InvalidInputError
from ..spaces import Architecture, check_numbers, is_key, key_of, read_rows, written_text

A = TypeVar("A")
Parse = Callable[[Any], A]
"""What reads one architecture, such as ``Architecture.parse``."""

LISTS = ("finalists", "predictions", "architectures", "scores", "records")
"""Keys under which the package's own documents (``search.json`` first) list architectures."""

OPENINGS = ("{", "[", "(")
"""What an inline document begins with."""

_JSON, _JSON_LINES, _CSV, _PLAIN = "JSON", "JSON lines", "CSV", "plain lines"
FORMATS = {".json": _JSON, ".jsonl": _JSON_LINES, ".ndjson": _JSON_LINES, ".csv": _CSV}
"""The format by the ending of a file's name."""


def parse_document(text: str, name: str, written: str | None = None, *, parse: Parse[A]) -> list[A]:
    """Read the architectures of a text.

    Args:
        text: The content.
        name: What messages begin with.
        written: The format; None guesses it from the content.
        parse: Reads one; rows of a CSV are always of NAS-Bench-201.

    Raises:
        InvalidInputError: If there is none, or something is not an architecture.
    """
    if not text.strip():
        msg = f"{name}: expected at least one architecture, got an empty file"
        raise InvalidInputError(msg)
    written = written or _sniff(text)
    if written == _JSON:
        return _from_document(parse_json(text, name=name), name, parse)
    if written == _CSV:
        return [parse(cell) for cell in read_rows(text, name).cells]
    lines = ((line, f"{name}: line {n}") for n, line in _numbered_lines(text))
    if written == _JSON_LINES:
        items = ((parse_json(line, name=where), where) for line, where in lines)
        return _parse_all(items, name, parse)
    return _parse_all(lines, name, parse)


def _parse_all(items: Iterable[tuple[Any, str]], name: str, parse: Parse[A]) -> list[A]:
    """Parse items, and check what numbers among them show together."""
    found: list[A] = []
    numbers = []
    for item, where in items:
        if len(found) == MAX_ROWS:
            msg = f"{name}: expected at most {MAX_ROWS} architectures, got more"
            raise InvalidInputError(msg)
        found.append(_parse(item, where, parse))
        numbers.append((written_text(item), where))
    check_numbers(numbers)
    return found


def _numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    # Not splitlines(): JSON strings may hold U+2028 and its like.
    for number, line in enumerate(io.StringIO(text, newline="\n"), start=1):
        if line.strip():
            yield number, line.strip()


def _sniff(text: str) -> str:
    """Guess the format of a text that is not empty from its first lines."""
    lines = _numbered_lines(text)
    first = next(lines)[1]
    if _is_header(first):
        return _CSV
    if first.startswith(("{", "[", '"')):
        several = next(lines, None) is not None
        return _JSON_LINES if several and _is_json(first) else _JSON
    # A tuple as Python prints it has commas as well.
    return _CSV if "," in first and not first.startswith("(") else _PLAIN


def _is_header(line: str) -> bool:
    return any(key_of(column.strip().strip('"')) for column in line.split(","))


def _is_json(line: str) -> bool:
    try:
        parse_json(line, name="line")
    except InvalidInputError:
        return False
    return True


def _from_document(document: Any, name: str, parse: Parse[A]) -> list[A]:
    """Read a parsed JSON document: one architecture, a list, or an own document's list."""
    if isinstance(document, dict):
        check_seal(document, name)
    # What has an architecture's key is one, whatever it lists besides.
    if isinstance(document, dict) and not any(map(is_key, document)):
        for key in LISTS:
            if key in document:
                if not isinstance(document[key], list):
                    msg = f"{name}: {key}: expected a list, got {brief(document[key])}"
                    raise InvalidInputError(msg)
                return _from_list(document[key], f"{name}: {key}", parse)
    if isinstance(document, list) and not _is_ambiguous(document):
        return _from_list(document, name, parse)
    return _parse_all([(document, name)], name, parse)


def _is_ambiguous(items: list[Any]) -> bool:
    """Return whether a list may be one cell's six ops as well as six indices."""
    return len(items) == 6 and all(type(item) is int and 0 <= item < 5 for item in items)


def _from_list(items: list[Any], name: str, parse: Parse[A]) -> list[A]:
    if not items:
        msg = f"{name}: expected at least one architecture, got an empty list"
        raise InvalidInputError(msg)
    numbered = ((item, f"{name}: item {n}") for n, item in enumerate(items, start=1))
    return _parse_all(numbered, name, parse)


def parse_inline(text: str, name: str, parse: Parse[A]) -> list[A]:
    """Read the architectures of a document given on the command line.

    Raises:
        InvalidInputError: If it is not JSON, or something is not an architecture.
    """
    stripped = text.strip()
    if stripped.startswith("("):  # a tuple as Python prints it, of which the error tells more
        return [_parse(stripped, name, parse)]
    return _from_document(parse_json(stripped, name=name), name, parse)


def _parse(value: Any, where: str, parse: Parse[A]) -> A:
    try:
        return parse(value)
    except InvalidArchitectureError as error:
        told = str(error)
        if where.startswith("architecture"):
            told = told.removeprefix("architecture: ")
        msg = f"{where}: {told}"
        raise InvalidInputError(msg) from None


STANDARD_INPUT = "standard input"


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
    # Six digits may be a code, or an index that was padded with zeros.
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
    # A number is an index, though there be a file of that name.
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

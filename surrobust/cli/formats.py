"""The formats in which architectures are written down: JSON, JSON lines, CSV, plain lines.

Every refusal is one line that names the source, the line or item, and the part.
"""

import csv
import io
from collections.abc import Iterator
from typing import Any

from .._checks import brief
from .._files import parse_json
from ..errors import InvalidArchitectureError, InvalidInputError
from ..spaces import Architecture

COLUMNS = ("architecture", "arch")
LISTS = ("finalists", "predictions", "architectures")
"""Keys under which the package's own documents (``search.json`` first) list architectures."""

OPENINGS = ("{", "[", "(")
"""What an inline document begins with."""

_JSON, _JSON_LINES, _CSV, _PLAIN = "JSON", "JSON lines", "CSV", "plain lines"
FORMATS = {".json": _JSON, ".jsonl": _JSON_LINES, ".ndjson": _JSON_LINES, ".csv": _CSV}
"""The format by the ending of a file's name."""


def parse_document(text: str, name: str, written: str | None = None) -> list[Architecture]:
    """Read the architectures of a text.

    Args:
        text: The content.
        name: What messages begin with.
        written: The format; None guesses it from the content.

    Raises:
        InvalidInputError: If there is none, or something is not an architecture.
    """
    if not text.strip():
        msg = f"{name}: expected at least one architecture, got an empty file"
        raise InvalidInputError(msg)
    written = written or _sniff(text)
    if written == _JSON:
        return _from_document(parse_json(text, name=name), name)
    if written == _CSV:
        return [_parse(value, where) for value, where in _csv_values(text, name)]
    lines = [(line, f"{name}: line {n}") for n, line in _numbered_lines(text)]
    if written == _JSON_LINES:
        return [_parse(parse_json(line, name=where), where) for line, where in lines]
    return [_parse_text(line, where) for line, where in lines]


def _numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    # Not splitlines(): JSON strings may hold U+2028 and its like.
    for number, line in enumerate(text.split("\n"), start=1):
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
    return _CSV if "," in first and not first.startswith("(") else _PLAIN


def _is_header(line: str) -> bool:
    return any(column.strip().strip('"').lower() in COLUMNS for column in line.split(","))


def _is_json(line: str) -> bool:
    try:
        parse_json(line, name="line")
    except InvalidInputError:
        return False
    return True


def _from_document(document: Any, name: str) -> list[Architecture]:
    """Read a parsed JSON document: one architecture, a list, or an own document's list."""
    if isinstance(document, dict) and not any(column in document for column in COLUMNS):
        for key in LISTS:
            if key in document:
                if not isinstance(document[key], list):
                    msg = f"{name}: {key}: expected a list, got {brief(document[key])}"
                    raise InvalidInputError(msg)
                return _from_list(document[key], f"{name}: {key}")
    if isinstance(document, list) and not _is_ambiguous(document):
        return _from_list(document, name)
    return [_parse(document, name)]


def _is_ambiguous(items: list[Any]) -> bool:
    """Return whether a list may be one cell's six ops as well as six indices."""
    return len(items) == 6 and all(type(item) is int and 0 <= item < 5 for item in items)


def _from_list(items: list[Any], name: str) -> list[Architecture]:
    if not items:
        msg = f"{name}: expected at least one architecture, got an empty list"
        raise InvalidInputError(msg)
    return [_parse(item, f"{name}: item {n}") for n, item in enumerate(items, start=1)]


def _csv_values(text: str, name: str) -> Iterator[tuple[Any, str]]:
    """Yield the architecture of each row, as text or object, with where it stands."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    rows = 0
    try:
        for row in reader:
            where = f"{name}: line {reader.line_num}"
            if not any(field.strip() for field in row):
                continue
            if header is None:
                header = _check_header(row, where)
                continue
            if len(row) != len(header):
                msg = f"{where}: expected {len(header)} fields, got {len(row)}"
                raise InvalidInputError(msg)
            rows += 1
            fields = dict(zip(header, row, strict=True))
            yield {key: fields[key] for key in COLUMNS if key in fields}, where
    except csv.Error as error:
        msg = f"{name}: line {reader.line_num}: expected CSV, got: {error}"
        raise InvalidInputError(msg) from None
    if not rows:
        msg = f"{name}: expected at least one row below the header, got none"
        raise InvalidInputError(msg)


def _check_header(row: list[str], where: str) -> list[str]:
    header = [field.strip().lower() for field in row]
    found = [column for column in header if column in COLUMNS]
    if not found or len(set(found)) != len(found):
        several = "it twice" if found else f"{brief(', '.join(row))}"
        msg = f"{where}: expected a column architecture, got {several}"
        raise InvalidInputError(msg)
    return header


def _parse_text(text: str, where: str) -> Architecture:
    return _parse(_parse_inline(text, where) if text.startswith(OPENINGS) else text, where)


def parse_inline(text: str, name: str) -> list[Architecture]:
    """Read the architectures of a document given on the command line.

    Raises:
        InvalidInputError: If it is not JSON, or something is not an architecture.
    """
    return _from_document(_parse_inline(text, name), name)


def _parse_inline(text: str, where: str) -> Any:
    """Parse JSON; a tuple as Python prints it counts as a list, so that its error tells more."""
    stripped = text.strip()
    if stripped.startswith("(") and stripped.endswith(")"):
        stripped = f"[{stripped[1:-1]}]"
    return parse_json(stripped, name=where)


def _parse(value: Any, where: str) -> Architecture:
    try:
        return Architecture.parse(value)
    except InvalidArchitectureError as error:
        told = str(error)
        if where.startswith("architecture"):
            told = told.removeprefix("architecture: ")
        msg = f"{where}: {told}"
        raise InvalidInputError(msg) from None

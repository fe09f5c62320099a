"""A user's own measurements: a CSV with the column ``architecture`` and columns of numbers."""

import csv
import io
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .._checks import brief
from .._files import read_text
from ..errors import InvalidArchitectureError, InvalidInputError
from ..spaces import Architecture
from ..typing import AnyPath, FloatArray

KEY = "architecture"
_MAX_BYTES = 64 * 2**20
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def read_values_csv(path: AnyPath) -> tuple[list[Architecture], FloatArray]:
    """Read a CSV of architectures and values.

    Args:
        path: UTF-8 text with a header; the column ``architecture`` holds genotypes, indices or
            codes, every other column numbers. Rows are kept as they are, repeated and isomorphic
            architectures too.

    Returns:
        The architectures, and their values: ``(n,)`` where there is one column of numbers,
        otherwise ``(n, m)``.

    Raises:
        InvalidInputError: If the file is anything else; the message names the line.
    """
    cells, values, _ = read_value_columns(path)
    return cells, values[:, 0] if values.shape[1] == 1 else values


def read_value_columns(
    path: AnyPath, *, may_be_empty: bool = False
) -> tuple[list[Architecture], FloatArray, tuple[str, ...]]:
    """Read the same file as :func:`read_values_csv`, with the names of its columns.

    Args:
        path: See there.
        may_be_empty: Whether an empty field stands for a number that is not known, NaN.

    Returns:
        The architectures, their values ``(n, m)``, and the ``m`` names in the file's order.

    Raises:
        InvalidInputError: If the file is anything else; the message names the line.
    """
    name = str(path)
    text = _read(Path(path), name)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows = _numbered(reader, name)
    nothing: list[str] = []
    line, header = next(rows, (1, nothing))
    names = _check_header(header, f"{name}, line {line}")
    key = header.index(KEY)
    cells, values = [], []
    for line, row in rows:
        where = f"{name}, line {line}"
        if len(row) != len(header):
            raise _error(where, f"{len(header)} columns", f"{len(row)}")
        cells.append(_cell(row[key], where))
        pairs = zip(header, row, strict=True)
        values.append(
            [
                math.nan if may_be_empty and not field.strip() else _number(field, column, where)
                for column, field in pairs
                if column != KEY
            ]
        )
    if not cells:
        raise _error(name, "at least one row below the header", "none")
    return cells, np.array(values, dtype=np.float64), names


def _read(path: Path, name: str) -> str:
    size = path.stat().st_size if path.is_file() else 0
    if size > _MAX_BYTES:
        raise _error(name, f"a file of at most {_MAX_BYTES // 2**20} MiB", f"{size} bytes")
    text = read_text(path)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise _error(f"{name}, line {line}", "text", "a NUL byte")
    return text


def _numbered(reader: Any, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not blank, with the number of their last line."""
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _error(f"{name}, line {reader.line_num}", "CSV", str(error)) from None
        if row and any(field.strip() for field in row):
            yield reader.line_num, row


def _check_header(header: list[str], where: str) -> tuple[str, ...]:
    header[:] = [column.strip() for column in header]
    expected = f"a header with {KEY} and at least one column of values, separated by commas"
    if header.count(KEY) != 1 or len(header) < 2:
        raise _error(where, expected, brief(",".join(header)))
    if len(set(header)) != len(header) or not all(header):
        raise _error(where, "a name for each column, each once", brief(",".join(header)))
    return tuple(column for column in header if column != KEY)


def _cell(text: str, where: str) -> Architecture:
    try:
        return Architecture.parse(text)
    except InvalidArchitectureError as error:
        raise InvalidInputError(f"{where}: {error}") from None


def _number(text: str, column: str, where: str) -> float:
    stripped = text.strip()
    value = float(stripped) if _NUMBER.fullmatch(stripped) else math.nan
    if not math.isfinite(value):
        raise _error(where, f"a finite number as {brief(column)}", brief(text))
    return value


def _error(where: str, expected: str, got: str) -> InvalidInputError:
    return InvalidInputError(f"{where}: expected {expected}, got {got}")

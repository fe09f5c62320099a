"""A user's own measurements: a CSV with the architectures and columns of numbers."""

import logging
import math
import re

import numpy as np

from .._checks import brief
from .._files import MAX_BYTES, decode, read_bytes
from .._places import shown
from ..errors import InvalidInputError
from ..spaces import Architecture, read_rows
from ..typing import AnyPath, FloatArray

logger = logging.getLogger(__name__)

_FAILED = "failed"
_NOTES = (
    _FAILED,
    "error",
    "trial",
    "source",
    "in_training_set",
    "representative",
    "function_class",
)
"""Columns in which the package's own files say something else than a value."""

# Narrower than float(), which takes 1_000, nan, infinity and digits of other scripts.
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def read_values_csv(path: AnyPath) -> tuple[list[Architecture], FloatArray]:
    """Read a CSV of architectures and values.

    Args:
        path: UTF-8 text with a header. A column ``architecture`` holds genotypes, indices, codes or
            JSON; ``index``, ``code`` and others are read as well, see
            :func:`~surrobust.spaces.read_rows`. Every other column holds numbers, but for the row
            numbers and notes that the package's own files have, such as ``trial``. Rows are kept
            as they are, repeated and isomorphic architectures too.

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
    content = read_bytes(path, most=MAX_BYTES)
    return parse_value_columns(content, name=shown(path), may_be_empty=may_be_empty)


def parse_value_columns(
    content: bytes, *, name: str, may_be_empty: bool = False
) -> tuple[list[Architecture], FloatArray, tuple[str, ...]]:
    """Read what :func:`read_value_columns` reads from bytes.

    Args:
        content: Of the file.
        name: What messages begin with.
        may_be_empty: See there.
    """
    rows = read_rows(decode(content, name=name), name)
    columns = [n for n, column in enumerate(rows.names) if column.lower() not in _NOTES]
    names = tuple(rows.names[n] for n in columns)
    if not names or len(set(names)) != len(names) or not all(names):
        expected = "at least one column of values, a name for each column, each once"
        msg = f"{name}: line 1: expected {expected}, got {brief(','.join(rows.names))}"
        raise InvalidInputError(msg)
    if len(names) < len(rows.names):
        notes = ", ".join(column for column in rows.names if column not in names)
        logger.warning("%s: left out as notes: %s", name, notes)
    cells, values, failed = [], [], []
    for cell, fields, place in zip(rows.cells, rows.fields, rows.places, strict=True):
        said = dict(zip(rows.names, fields, strict=True))
        if said.get(_FAILED, "").strip().lower() == "true":
            failed.append(place)
            continue
        cells.append(cell)
        values.append([_number(said[column], column, place, may_be_empty) for column in names])
    if failed:
        logger.warning("%s: left out as failed, one of %d rows", failed[0], len(failed))
    if not cells:
        msg = f"{name}: expected at least one row that did not fail, got none"
        raise InvalidInputError(msg)
    return cells, np.array(values, dtype=np.float64), names


def _number(text: str, column: str, place: str, may_be_empty: bool) -> float:
    stripped = text.strip()
    value = float(stripped) if _NUMBER.fullmatch(stripped) else math.nan
    if not math.isfinite(value) and not (may_be_empty and not stripped):
        msg = f"{place}: expected a finite number as {brief(column)}, got {brief(text)}"
        raise InvalidInputError(msg)
    return value

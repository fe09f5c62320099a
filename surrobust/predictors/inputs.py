"""What a predictor is given and what a variant gives back, checked and in one order."""

import sys
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from .._checks import brief, check_values
from ..errors import InvalidInputError, InvalidModelError
from ..spaces import Architecture, check_numbers, key_of, written_text
from ..typing import FloatArray, IntArray

_LARGEST = 1e18
"""Larger values, in whatever unit, would not be read back; see ``LARGEST_VALUE``."""


@dataclass(frozen=True)
class TrainingCells:
    """Architectures and their values, in an order that does not depend on the caller's.

    Args:
        cells: n of them, by index; one may occur repeatedly.
        values: Theirs, ``(n, m)``.
        names: Of the m targets.
        is_single: Whether the values came as ``(n,)``.
    """

    cells: list[Architecture]
    values: FloatArray
    names: tuple[str, ...]
    is_single: bool

    @classmethod
    def of(cls, architectures: Iterable[Any], y: Any, targets: Any, *, least: int) -> Self:
        """Check what was measured.

        Args:
            architectures: At least ``least``, each in any form ``Architecture.parse`` takes.
            y: Finite values, shape ``(n,)`` or ``(n, m)``.
            targets: Names of the m columns; None takes those that a Series or DataFrame gives.
            least: How many are needed.

        Raises:
            InvalidInputError: If there are too few architectures, or ``y`` or ``targets`` do not
                fit them.
        """
        cells = parse_architectures(architectures)
        if len(cells) < least:
            msg = f"architectures: expected at least {least} to fit, got {len(cells)}"
            raise InvalidInputError(msg)
        given = check_values(y, n=len(cells)) if cells else _check_no_values(y)
        if np.abs(given).max(initial=0) > _LARGEST:
            msg = f"y: expected numbers of at most {_LARGEST:g}, got {np.abs(given).max():g}"
            raise InvalidInputError(msg)
        values = given[:, None] if given.ndim == 1 else given
        named = names_of_values(y) if targets is None else targets
        names = _check_targets(named, m=values.shape[1], is_single=given.ndim == 1)
        # lexsort goes by its last key first: by index, then by the
        # values of the first target, and on.
        order = np.lexsort((*values.T[::-1], [cell.index for cell in cells]))
        return cls([cells[i] for i in order], values[order], names, given.ndim == 1)


@dataclass(frozen=True)
class AskedCells:
    """Architectures that a predictor is asked about.

    Args:
        cells: n of them, in the order of the caller.
        labels: The index of the Series or DataFrame that they came in; None where there was none.
        is_one: Whether one architecture was given, not a list of them.
    """

    cells: list[Architecture]
    labels: Any
    is_one: bool

    @classmethod
    def of(cls, architectures: Any) -> Self:
        """Read one architecture, or what :func:`parse_architectures` takes.

        Raises:
            InvalidInputError: If something is not an architecture.
        """
        if _is_one(architectures):
            return cls([Architecture.parse(architectures)], None, True)
        cells = parse_architectures(architectures)
        is_labelled = _is_pandas("Series", architectures) or _is_pandas("DataFrame", architectures)
        return cls(cells, architectures.index if is_labelled else None, False)


def parse_architectures(architectures: Iterable[Any]) -> list[Architecture]:
    """Return a list of cells.

    Args:
        architectures: Any iterable of what ``Architecture.parse`` takes; an array ``(n, 1)``; a
            Series; or a DataFrame of one column, or whose columns for architectures are called
            as in a CSV: ``architecture``, ``index``, ``code`` and so on, others being left out. A
            Series or column of such a name is read as what the name says, and of texts that are
            all digits it is told or refused what may be both, as in a CSV (``check_numbers``).

    Raises:
        InvalidInputError: If it is no such thing, or a single architecture.
    """
    if _is_one(architectures):
        msg = f"architectures: expected a list of architectures, got {brief(architectures)}"
        raise InvalidInputError(msg)
    written = _written(architectures)
    if _is_pandas("Series", architectures) or _is_pandas("DataFrame", architectures):
        rows = ((written_text(one), f"architectures: row {n}") for n, one in enumerate(written))
        check_numbers(rows)
    return [Architecture.parse(value) for value in written]


def names_of_values(y: Any) -> tuple[str, ...] | None:
    """Return the texts by which a Series or the columns of a DataFrame are called; else None."""
    names: list[Any] = []
    if _is_pandas("Series", y):
        names = [y.name]
    elif _is_pandas("DataFrame", y):
        names = list(y.columns)
    return tuple(names) if names and all(isinstance(name, str) for name in names) else None


def _is_one(value: Any) -> bool:
    """Return whether a value can be one architecture only."""
    is_whole = isinstance(value, str | bytes | Architecture | Mapping)
    # Arrays of no dimension have __iter__ too.
    return is_whole or not isinstance(value, Iterable) or getattr(value, "ndim", 1) == 0


def _is_pandas(kind: str, value: Any) -> bool:
    # What is one of pandas has imported it: whoever has none does not wait for it.
    return isinstance(value, getattr(sys.modules.get("pandas"), kind, ()))


_NAMED = ("index", "code", "op_indices", "edges")
"""Columns whose name says how they are read; under others stands any form."""


def _written(architectures: Any) -> Iterable[Any]:
    """Return what each architecture is parsed from."""
    if _is_pandas("DataFrame", architectures):
        return _rows_of(architectures)
    if _is_pandas("Series", architectures):
        key = key_of(architectures.name) if isinstance(architectures.name, str) else None
        return _under(key, architectures.tolist())
    is_column = isinstance(architectures, np.ndarray) and architectures.shape[1:] == (1,)
    return architectures[:, 0] if is_column else architectures


def _under(key: str | None, values: list[Any]) -> list[Any]:
    return [{key: value} for value in values] if key in _NAMED else values


def _rows_of(frame: Any) -> list[Any]:
    """Return what the rows of a DataFrame say of architectures."""
    keys = [key_of(name) if isinstance(name, str) else None for name in frame.columns]
    places = [place for place, key in enumerate(keys) if key is not None]
    if not places and len(keys) == 1:
        places = [0]
    found = [keys[place] for place in places]
    if not places or len(set(found)) < len(found):
        expected = "a DataFrame of one column, or with a column architecture, index or code"
        msg = f"architectures: expected {expected}, got columns {brief(list(frame.columns))}"
        raise InvalidInputError(msg)
    columns = [frame.iloc[:, place].tolist() for place in places]
    if len(columns) == 1:
        return _under(found[0], columns[0])
    return [dict(zip(found, row, strict=True)) for row in zip(*columns, strict=True)]


def distinct(
    cells: Sequence[Architecture], keys: Sequence[Hashable]
) -> tuple[list[Architecture], IntArray]:
    """Return the first cell of each key, and for each cell its key's position there, ``(n,)``."""
    rows: dict[Hashable, int] = {}
    firsts: list[Architecture] = []
    where = np.empty(len(cells), dtype=np.int64)
    for i, (cell, key) in enumerate(zip(cells, keys, strict=True)):
        where[i] = rows.setdefault(key, len(rows))
        if len(rows) > len(firsts):
            firsts.append(cell)
    return firsts, where


def check_moments(name: str, mean: FloatArray, *stds: FloatArray, shape: tuple[int, int]) -> None:
    """Check what a variant predicts, with standard deviations of one kind or several.

    Raises:
        InvalidModelError: If it is of another shape or not finite.
    """
    for what, array in (("means", mean), *(("standard deviations", std) for std in stds)):
        if array.shape != shape or not np.isfinite(array).all():
            msg = f"{name}: expected finite {what} of shape {shape}, got others"
            raise InvalidModelError(msg)


def _check_no_values(y: Any) -> FloatArray:
    """Return no values, ``(0,)`` or ``(0, m)``."""
    array = np.asarray(y)
    if array.ndim not in (1, 2) or len(array) or 0 in array.shape[1:]:
        msg = f"y: expected no values for no architectures, got {brief(y)}"
        raise InvalidInputError(msg)
    return np.empty(array.shape)


def _check_targets(targets: Any, *, m: int, is_single: bool) -> tuple[str, ...]:
    if targets is None:
        return ("value",) if is_single else tuple(f"value-{i}" for i in range(m))
    names = (targets,) if isinstance(targets, str) else tuple(targets)
    if len(names) != m or len(set(names)) != m or not all(isinstance(t, str) for t in names):
        msg = f"targets: expected {m} distinct names, got {brief(list(names))}"
        raise InvalidInputError(msg)
    return names

"""What a predictor is given and what a variant gives back, checked and in one order."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from .._checks import brief, check_values
from ..errors import InvalidInputError, InvalidModelError
from ..spaces import Architecture
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
            targets: Names of the m columns, or None.
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
        names = _check_targets(targets, m=values.shape[1], is_single=given.ndim == 1)
        order = np.lexsort((*values.T[::-1], [cell.index for cell in cells]))
        return cls([cells[i] for i in order], values[order], names, given.ndim == 1)


def parse_architectures(architectures: Iterable[Any]) -> list[Architecture]:
    """Return a list of cells from any iterable of what ``Architecture.parse`` takes.

    Raises:
        InvalidInputError: If it is no such iterable, or a single architecture.
    """
    if isinstance(architectures, str | Architecture | Mapping) or not isinstance(
        architectures, Iterable
    ):
        msg = f"architectures: expected a list of architectures, got {brief(architectures)}"
        raise InvalidInputError(msg)
    return [Architecture.parse(value) for value in architectures]


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


def check_moments(name: str, mean: FloatArray, std: FloatArray, *, shape: tuple[int, int]) -> None:
    """Check what a variant predicts.

    Raises:
        InvalidModelError: If it is of another shape or not finite.
    """
    for what, array in (("means", mean), ("standard deviations", std)):
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

"""Rows that measure one cell: what counts as one, and what follows for splits and figures.

A cell may be measured repeatedly, by other seeds or under an isomorphic name. Such rows are not new
cells: they tell each other's values, so they stand on one side of a split, and together they weigh
as much as the one row of any other cell.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..spaces import Architecture
from ..typing import FloatArray, IntArray

ROUNDING = 1e-9
"""What sums of weights may fall short of a whole number by."""


@dataclass(frozen=True)
class CellRows:
    """Which rows measure one cell.

    Args:
        groups: The cell of each row, 0, 1, ... in order of first occurrence, ``(n,)``.
        weights: One over the rows of that cell, ``(n,)``.
        n_cells: Distinct cells.
    """

    groups: IntArray
    weights: FloatArray
    n_cells: int

    @classmethod
    def of(cls, groups: IntArray) -> "CellRows":
        """Return those of groups ``(n,)``, whatever their numbers are."""
        number = numbered(groups)
        counts = np.bincount(number)
        return cls(number, 1.0 / counts[number], len(counts))

    def mean(self, values: FloatArray) -> FloatArray:
        """Return the mean over cells of values of rows, from ``(n, m)`` to ``(m,)``."""
        mean: FloatArray = np.sum(self.weights[:, None] * values, axis=0) / self.n_cells
        return mean

    def sums(self, values: FloatArray) -> FloatArray:
        """Return the weighted sum of each cell's values, from ``(n, k)`` to ``(n_cells, k)``."""
        found = np.zeros((self.n_cells, values.shape[1]))
        np.add.at(found, self.groups, self.weights[:, None] * values)
        return found

    def places(self, order: IntArray) -> IntArray:
        """Return where in an order of the rows 1, 2, ... cells are complete, ``(n_cells,)``."""
        amount = np.cumsum(self.weights[order])
        return np.searchsorted(amount, np.arange(1, self.n_cells + 1) - ROUNDING)

    def one_each(self, scores: FloatArray) -> FloatArray:
        """Return the scores, ascending, at which 1, 2, ... cells are complete, ``(n_cells, m)``."""
        ascending = np.empty((self.n_cells, scores.shape[1]))
        for j in range(scores.shape[1]):
            order = np.argsort(scores[:, j], kind="stable")
            ascending[:, j] = scores[order[self.places(order)], j]
        return ascending


def cell_groups(cells: Sequence[Architecture]) -> IntArray:
    """Return what counts as one cell: the index of each one's representative, ``(n,)``.

    It is equal for repeated and isomorphic cells. Cells that only compute the same stay apart: a
    new cell drawn like the others may have such twins among them too.
    """
    return np.array([cell.representative.index for cell in cells], dtype=np.int64)


def numbered(groups: IntArray) -> IntArray:
    """Return groups ``(n,)`` as 0, 1, ... in the order in which they first occur."""
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    place = np.empty(len(first), dtype=np.int64)
    # np.unique numbers by size; first says where each occurred, and ranks of that are the order.
    place[np.argsort(first)] = np.arange(len(first))
    return place[inverse.ravel()]


def mean_of_each(groups: IntArray, values: FloatArray) -> FloatArray:
    """Return the mean of each group's values, in the order in which the groups first occur.

    Args:
        groups: Of each row, ``(n,)``.
        values: Of each row, ``(n,)``.
    """
    number = numbered(groups)
    means: FloatArray = np.bincount(number, weights=values) / np.bincount(number)
    return means


def coverage_of_each(
    groups: IntArray, true: FloatArray, lower: FloatArray, upper: FloatArray
) -> float:
    """Return the share of measurements inside their intervals, each group weighing the same.

    Args:
        groups: Of each row, ``(n,)``, at least one.
        true: Single measurements, ``(n,)``.
        lower: Lower ends, which count as inside.
        upper: Upper ends, likewise.
    """
    inside = (lower <= true) & (true <= upper)
    return float(mean_of_each(groups, inside.astype(np.float64)).mean())


def split_groups(groups: IntArray, *, n_train: int, seed: int) -> tuple[IntArray, IntArray]:
    """Return positions to train on and all others: each group whole on one side.

    Groups are taken in the order in which a shuffle of the rows has the first row of each, until
    there are at least ``n_train`` rows. Without repetition that is the shuffle, cut after
    ``n_train``; with it, a group of many rows comes no earlier than another, as it would if any of
    its rows counted: what is trained on is drawn like what is held out.

    Args:
        groups: Of each row, ``(n,)``.
        n_train: At least 1, at most n.
        seed: Of the shuffle.
    """
    order = np.random.default_rng(seed).permutation(len(groups))
    place = np.argsort(order)
    _, first, inverse, counts = np.unique(
        groups, return_index=True, return_inverse=True, return_counts=True
    )
    drawn = place[first]  # when each group's turn is
    order = order[np.argsort(drawn[inverse.ravel()][order], kind="stable")]
    ends = np.cumsum(counts[np.argsort(drawn)])
    cut = ends[np.searchsorted(ends, n_train)]
    return order[:cut], order[cut:]

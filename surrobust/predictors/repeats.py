"""Rows that measure one cell: what counts as one, and what follows for splits and figures.

A cell may be measured repeatedly, by other seeds or under an isomorphic name. Such rows are not new
cells: they tell each other's values, so they stand on one side of a split, and together they weigh
as much as the one row of any other cell.
"""

from collections.abc import Sequence

import numpy as np

from ..spaces import Architecture
from ..typing import FloatArray, IntArray


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

"""Quantiles of scores at one level over those of all levels."""

import numpy as np
import numpy.typing as npt

from ..typing import FloatArray, IntArray
from .repeats import numbered

BEND_AT = (0.25, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98)
"""Coverages at which the ratios are kept."""

_WIDTH = 0.1
"""Standard deviation of the Gaussian window, in ranks as shares of all."""

_LEAST_WIDTH = 2.0
"""The same in ranks, where cells are few."""

_ALL = 10.0
"""How many cells those of all levels count for at one level."""

LARGEST_BEND = 2.0
"""No ratio is larger, or smaller than its inverse."""


def local_bends(
    scores: FloatArray, level: FloatArray, keep: IntArray, groups: IntArray | None = None
) -> FloatArray:
    """Return local over global quantiles, ``(p, k)`` at the p coverages ``BEND_AT``.

    Weighted quantiles by a Gaussian window over ranks that is mirrored at both ends; n cells of
    unequal weight count as ``(sum w)^2 / sum w^2`` (Kish), of which the i-th smallest is at
    ``i / (n + 1)``, so that a few do not promise too much. The rows of a cell share its weight.

    Args:
        scores: Of held-out rows, ``(n,)``.
        level: Their predicted values, ``(n,)``.
        keep: The k positions in ascending order of level that ratios are wanted for.
        groups: What cell each row measures, 0, 1, ... in order of first occurrence, ``(n,)``; None
            where each is one of its own.
    """
    groups = np.arange(len(scores)) if groups is None else groups
    shares = 1.0 / np.bincount(groups)[groups]
    n = int(groups.max()) + 1
    rank = middle_ranks(level, shares)
    at = np.sort(rank)[keep][:, None]
    # By score, then by cell: rows of one cell with one score stand side by side.
    order = np.lexsort((groups, scores))
    width = max(_WIDTH, _LEAST_WIDTH / n)
    # Ten cells' weight spread over all; with four times as much half of the gain
    # among the best was lost (experiments/intervals).
    weights = np.full((len(keep), len(scores)), _ALL / n)
    for mirrored in (rank[order], -rank[order], 2 - rank[order]):
        weights += np.exp(-0.5 * ((at - mirrored) / width) ** 2)
    weights *= shares[order]
    total = weights.sum(axis=1, keepdims=True)
    size = total**2 / (_of_cells(weights, groups[order]) ** 2).sum(axis=1, keepdims=True)
    places = np.cumsum(weights, axis=1) / total * size / (size + 1)
    # A score that a cell has twice stands where it is complete, as if it were there once.
    last = _is_last(scores[order], groups[order])
    ascending = scores[order][last]
    local = np.stack([np.interp(BEND_AT, place, ascending) for place in places[:, last]], axis=1)
    ranks = np.cumsum(shares[order])[last]
    everywhere = np.interp(BEND_AT, ranks / (n + 1), ascending)[:, None]
    ratio = np.divide(local, everywhere, out=np.ones_like(local), where=everywhere > 0)
    return np.clip(ratio, 1 / LARGEST_BEND, LARGEST_BEND)


def middle_ranks(level: FloatArray, shares: FloatArray) -> FloatArray:
    """Return the ranks of rows by level as shares of all, in (0, 1), ``(n,)``.

    Equal levels have one rank, the middle of theirs, so that their order does not matter.

    Args:
        level: Of each row, ``(n,)``.
        shares: What each row weighs, ``(n,)``; those of a cell amount to one.
    """
    _, inverse = np.unique(level, return_inverse=True)
    counts = np.bincount(inverse.ravel(), weights=shares)
    # Not by the sum of the shares: thirds amount to no whole number.
    middles: FloatArray = (np.cumsum(counts) - counts / 2) / round(counts.sum())
    return middles[inverse.ravel()]


def _of_cells(weights: FloatArray, groups: IntArray) -> FloatArray:
    """Return the weights ``(k, n)`` of rows, summed over those of each cell."""
    number = numbered(groups)
    return np.stack([np.bincount(number, weights=row) for row in weights])


def _is_last(scores: FloatArray, groups: IntArray) -> npt.NDArray[np.bool_]:
    """Return which rows the next one, if any, does not repeat in score and cell, ``(n,)``."""
    differs = (np.diff(scores) != 0) | (np.diff(groups) != 0)
    return np.concatenate([differs, [True]])

"""Quantiles of scores at one level over those of all levels."""

import numpy as np

from ..typing import FloatArray, IntArray

BEND_AT = (0.25, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98)
"""Coverages at which the ratios are kept."""

_WIDTH = 0.1
"""Standard deviation of the Gaussian window, in ranks as shares of all."""

_LEAST_WIDTH = 2.0
"""The same in ranks, where cells are few."""

_ALL = 10.0
"""How many cells those of all levels count for at one level."""

_LARGEST = 2.0
"""No ratio is larger, or smaller than its inverse."""


def local_bends(scores: FloatArray, level: FloatArray, keep: IntArray) -> FloatArray:
    """Return local over global quantiles, ``(p, k)`` at the p coverages ``BEND_AT``.

    Weighted quantiles by a Gaussian window over ranks that is mirrored at both ends; n cells of
    unequal weight count as ``(sum w)^2 / sum w^2`` (Kish), of which the i-th smallest is at
    ``i / (n + 1)``, so that a few do not promise too much.

    Args:
        scores: Of held-out cells, ``(n,)``.
        level: Their predicted values, ``(n,)``.
        keep: The k positions in ascending order of level that ratios are wanted for.
    """
    n = len(scores)
    _, inverse, counts = np.unique(level, return_inverse=True, return_counts=True)
    rank = ((np.cumsum(counts) - counts / 2) / n)[inverse.ravel()]
    at = np.sort(rank)[keep][:, None]
    order = np.argsort(scores, kind="stable")
    width = max(_WIDTH, _LEAST_WIDTH / n)
    weights = np.full((len(keep), n), _ALL / n)
    for mirrored in (rank[order], -rank[order], 2 - rank[order]):
        weights += np.exp(-0.5 * ((at - mirrored) / width) ** 2)
    total = weights.sum(axis=1, keepdims=True)
    size = total**2 / (weights**2).sum(axis=1, keepdims=True)
    places = np.cumsum(weights, axis=1) / total * size / (size + 1)
    ascending = scores[order]
    local = np.stack([np.interp(BEND_AT, place, ascending) for place in places], axis=1)
    everywhere = np.interp(BEND_AT, np.arange(1, n + 1) / (n + 1), ascending)[:, None]
    ratio = np.divide(local, everywhere, out=np.ones_like(local), where=everywhere > 0)
    return np.clip(ratio, 1 / _LARGEST, _LARGEST)

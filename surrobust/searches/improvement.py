"""How much volume a candidate is expected to add to a front."""

import itertools
from collections.abc import Sequence

import numpy as np

from ..fronts import non_dominated
from ..typing import FloatArray

_SMALLEST = 1e-12


def expected_hypervolume_improvement(
    mean: FloatArray, std: FloatArray, *, front: FloatArray, reference: FloatArray
) -> FloatArray:
    """Return by how much each candidate is expected to enlarge the dominated volume, ``(n,)``.

    Exact for independent normal predictions and any number of objectives: what is not dominated
    is cut into boxes that are open above, one to a cell of the grid which the front spans in all
    objectives but the last, and a box expects the product of its sides' improvements (Emmerich,
    Deutz, Klinkenberg, "Hypervolume-based expected improvement: Monotonicity properties and exact
    computation", CEC 2011; Couckuyt, Deschrijver, Dhaene, "Fast calculation of multiobjective
    probability of improvement and expected improvement criteria for Pareto optimization", J.
    Global Optim. 60, 2014). With one objective it is the expected improvement. Higher is better.

    Args:
        mean: Predicted values ``(n, m)``.
        std: Their standard deviations ``(n, m)``; 0 where a value is known.
        front: Points ``(k, m)``; those that are dominated, or do not dominate the reference, add
            nothing.
        reference: The reference point, ``(m,)``.
    """
    mean, std = np.asarray(mean, dtype=np.float64), np.asarray(std, dtype=np.float64)
    points = np.asarray(front, dtype=np.float64).reshape(-1, mean.shape[1])
    points = points[(points > reference).all(axis=1)]
    points = points[non_dominated(points)]
    m = mean.shape[1]
    edges = [np.unique(np.append(points[:, j], reference[j])) for j in range(m)]
    gains = [_gains(mean[:, j], std[:, j], edges[j]) for j in range(m)]
    # Of each interval of the grid, what is gained inside it; the last interval is open above.
    sides = [gain - np.append(gain[:, 1:], np.zeros((len(gain), 1)), axis=1) for gain in gains[:-1]]
    total = np.zeros(len(mean))
    for cell in itertools.product(*(range(len(edge)) for edge in edges[:-1])):
        lower = [edges[j][i] for j, i in enumerate(cell)]
        total += _product(sides, cell) * gains[-1][:, _floor(points, lower, edges[-1])]
    return total


def _gains(mean: FloatArray, std: FloatArray, levels: FloatArray) -> FloatArray:
    """Return the expected excess of each candidate over each level, ``(n, k)``."""
    from scipy.special import ndtr

    std = np.maximum(std, _SMALLEST)[:, None]
    u = (mean[:, None] - levels[None, :]) / std
    density = np.exp(-0.5 * u * u) / np.sqrt(2 * np.pi)
    return np.asarray(std * np.maximum(u * ndtr(u) + density, 0.0))


def _floor(points: FloatArray, lower: Sequence[float], levels: FloatArray) -> int:
    """Return above which level of the last objective a cell of the grid is not dominated."""
    above = (points[:, :-1] > np.array(lower)).all(axis=1)
    return int(np.searchsorted(levels, points[above, -1].max())) if above.any() else 0


def _product(sides: Sequence[FloatArray], cell: Sequence[int]) -> FloatArray | float:
    product: FloatArray | float = 1.0
    for side, i in zip(sides, cell, strict=True):
        product = product * side[:, i]
    return product

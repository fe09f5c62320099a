"""Several values at once: what dominates what, fronts, and the volume that a front dominates.

Arrays ``(n, m)`` hold one row per point and one column per objective; higher is better in every
column. A point dominates another if it is nowhere worse and somewhere better.
"""

import numpy as np

from .errors import InvalidInputError
from .typing import FloatArray, IntArray


def non_dominated(values: FloatArray) -> np.ndarray:
    """Return which of the points no other point dominates, as booleans ``(n,)``.

    Of points that are equal, all count or none.

    Args:
        values: Points ``(n, m)``.
    """
    return np.logical_not(_dominance(_points(values)).any(axis=0))


def non_dominated_ranks(values: FloatArray, violations: FloatArray | None = None) -> IntArray:
    """Return the number of the front that each point is on, ``(n,)``; 0 is the best.

    The fast non-dominated sort of Deb et al., "A Fast and Elitist Multiobjective Genetic
    Algorithm: NSGA-II" (IEEE Trans. Evol. Comput. 6, 2002), section III-A: the next front is what
    is not dominated once the fronts before are taken away. With violations, the constrained
    domination of its section VI-A: what violates nothing comes before what violates something,
    and among the latter the lesser violation comes first.

    Args:
        values: Points ``(n, m)``.
        violations: By how much each point breaks the constraints, ``(n,)``; 0 where it keeps them.
    """
    points = _points(values)
    dominates = _dominance(points)
    if violations is not None:
        excess = np.asarray(violations, dtype=np.float64)
        keeps = excess <= 0
        dominates &= keeps[:, None] & keeps[None, :]
        dominates |= excess[:, None] < np.where(keeps, -np.inf, excess)[None, :]
    ranks = np.full(len(points), -1)
    n_above, rank = dominates.sum(axis=0), 0
    while (ranks < 0).any():
        front = (n_above == 0) & (ranks < 0)
        ranks[front] = rank
        n_above = n_above - dominates[front].sum(axis=0)
        rank += 1
    return ranks


def crowding_distances(values: FloatArray) -> FloatArray:
    """Return how far apart the neighbours of each point of one front are, ``(n,)``.

    Deb et al. (2002), section III-B: the sum over the objectives of the gap between the next
    lower and the next higher value, as a share of the objective's range; infinite for the points
    that are the best or the worst in an objective. An objective that is constant adds nothing.

    Args:
        values: The points of a front, ``(n, m)``.
    """
    points = _points(values)
    distances = np.zeros(len(points))
    for column in points.T:
        order = np.argsort(column, kind="stable")
        extent = column[order[-1]] - column[order[0]] if len(order) else 0.0
        if extent > 0:
            distances[order[[0, -1]]] = np.inf
            distances[order[1:-1]] += (column[order[2:]] - column[order[:-2]]) / extent
    return distances


def hypervolume(values: FloatArray, reference: FloatArray) -> float:
    """Return the volume of what the points dominate and what dominates the reference point.

    Exact for any number of objectives, by slices along the last of them (While et al., "A Faster
    Algorithm for Calculating Hypervolume", IEEE Trans. Evol. Comput. 10, 2006). Points that do
    not dominate the reference add nothing.

    Args:
        values: Points ``(n, m)``.
        reference: The reference point, ``(m,)``.

    Raises:
        InvalidInputError: If the reference has another number of objectives.
    """
    points, origin = _points(values), np.asarray(reference, dtype=np.float64)
    if origin.shape != (points.shape[1],):
        expected = f"({points.shape[1]},)"
        msg = f"reference: expected one number per objective, {expected}, got {origin.shape}"
        raise InvalidInputError(msg)
    shifted = points - origin
    return _volume(shifted[(shifted > 0).all(axis=1)])


def _volume(points: FloatArray) -> float:
    """Return the volume between the origin and positive points."""
    if len(points) == 0:
        return 0.0
    if points.shape[1] == 1:
        return float(points.max())
    points = points[np.argsort(-points[:, -1], kind="stable")]
    depths = points[:, -1] - np.append(points[1:, -1], 0.0)
    if points.shape[1] == 2:
        return float(np.maximum.accumulate(points[:, 0]) @ depths)
    slices = (d * _volume(points[: i + 1, :-1]) for i, d in enumerate(depths) if d > 0)
    return float(sum(slices))


def _points(values: FloatArray) -> FloatArray:
    points = np.asarray(values, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] == 0:
        msg = f"values: expected points of shape (n, m), got {points.shape}"
        raise InvalidInputError(msg)
    return points


def _dominance(points: FloatArray) -> np.ndarray:
    """Return booleans ``(n, n)``: whether the row's point dominates the column's."""
    left, right = points[:, None, :], points[None, :, :]
    return np.logical_and((left >= right).all(axis=2), (left > right).any(axis=2))

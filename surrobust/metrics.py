"""Numbers that judge predictions and searches: ranks, intervals, regret, fronts and their volume.

Rank correlation is Kendall's tau-b unless another is named.

Arrays ``(n, m)`` hold one row per point and one column per objective; higher is better in every
column. A point dominates another if it is nowhere worse and somewhere better.
"""

import numpy as np

from .errors import InvalidInputError
from .typing import FloatArray, IntArray


def kendall_tau(true: FloatArray, predicted: FloatArray) -> float:
    """Return Kendall's tau-b of two arrays of shape ``(n,)``; NaN if one is constant."""
    from scipy.stats import kendalltau

    return float(kendalltau(true, predicted).statistic)


def normal_scores(values: FloatArray) -> FloatArray:
    """Return the normal quantiles of the ranks in each column, ties on average, ``(n, ...)``."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    # Less one half, so that the shares are inside (0, 1) and no quantile is infinite; symmetric.
    scores: FloatArray = ndtri((rankdata(values, axis=0) - 0.5) / len(values))
    return scores


def sparse_kendall_tau(true: FloatArray, predicted: FloatArray, *, step: float = 0.001) -> float:
    """Return Kendall's tau-b with the predictions rounded to multiples of ``step``.

    Siems et al., "NAS-Bench-301" (2020), round to 0.1 % of accuracy.
    """
    return kendall_tau(true, np.round(np.asarray(predicted) / step) * step)


def spearman_rho(true: FloatArray, predicted: FloatArray) -> float:
    """Return Spearman's rank correlation of two arrays of shape ``(n,)``."""
    from scipy.stats import spearmanr

    return float(spearmanr(true, predicted).statistic)


def r2_score(true: FloatArray, predicted: FloatArray) -> float:
    """Return the coefficient of determination; the mean of ``true`` scores 0."""
    true, predicted = np.asarray(true), np.asarray(predicted)
    return float(1.0 - np.sum((true - predicted) ** 2) / np.sum((true - true.mean()) ** 2))


def rmse(true: FloatArray, predicted: FloatArray) -> float:
    """Return the root of the mean squared error, in the unit of the arrays."""
    return float(np.sqrt(np.mean((np.asarray(true) - np.asarray(predicted)) ** 2)))


def precision_at(true: FloatArray, predicted: FloatArray, *, k: int) -> float:
    """Return the share of the ``k`` best predicted that are among the ``k`` best measured."""
    # Stable: of equal values the earlier are taken, in both rankings alike.
    best_true = np.argsort(-np.asarray(true), kind="stable")[:k]
    best_predicted = np.argsort(-np.asarray(predicted), kind="stable")[:k]
    return len(set(best_true.tolist()) & set(best_predicted.tolist())) / k


def regret(best: float, found: float) -> float:
    """Return how far the best value found stays behind the best there is."""
    return float(best - found)


def interval_coverage(true: FloatArray, lower: FloatArray, upper: FloatArray) -> float:
    """Return the share of true values inside their intervals, ends included."""
    true = np.asarray(true)
    return float(np.mean((np.asarray(lower) <= true) & (true <= np.asarray(upper))))


def wilson_interval(successes: int, n: int, *, coverage: float = 0.95) -> tuple[float, float]:
    """Return the interval of a share by Wilson's score (JASA 22, 1927), always within [0, 1]."""
    from scipy.special import ndtri

    share, z = successes / n, float(ndtri((1 + coverage) / 2))
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5
    # The share itself is always inside; at 0 and 1 rounding may put an end on its wrong side.
    return min(share, max(0.0, centre - half)), max(share, min(1.0, centre + half))


def clopper_pearson_lower(successes: int, n: int, *, confidence: float) -> float:
    """Return what a probability exceeds with at least this confidence, one-sided and exact.

    Clopper & Pearson, "The use of confidence or fiducial limits" (Biometrika 26, 1934).
    """
    from scipy.special import betaincinv

    # The beta quantile below, of Beta(k, n - k + 1), is not defined for k = 0.
    if successes == 0:
        return 0.0
    return float(betaincinv(successes, n - successes + 1, 1 - confidence))


def mcnemar_exact(only_a: int, only_b: int) -> float:
    """Return the two-sided p-value that two shares on the same items are equal.

    McNemar (Psychometrika 12, 1947) with the exact binomial distribution: of the items that
    tell the two apart, each side has half.

    Args:
        only_a: Items on which only the first succeeds.
        only_b: Items on which only the second succeeds.
    """
    from scipy.special import bdtr

    fewer, n = min(only_a, only_b), only_a + only_b
    # Twice the smaller tail; where the two are equal the tails overlap and exceed 1.
    return min(1.0, 2 * float(bdtr(fewer, n, 0.5))) if n else 1.0


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
        # Of columns that keep all there is no lesser violation: -inf. A slack below 0 is no merit.
        dominates |= excess[:, None] < np.where(keeps, -np.inf, excess)[None, :]
    ranks = np.full(len(points), -1)
    # How many dominate a point still (the paper's n_p): 0 puts it on the next front.
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
            # Infinite stays infinite, whatever the other objectives add.
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
    # Strictly: a point on a face of the reference spans a box without volume.
    return _volume(shifted[(shifted > 0).all(axis=1)])


def _volume(points: FloatArray) -> float:
    """Return the volume between the origin and positive points."""
    if len(points) == 0:
        return 0.0
    if points.shape[1] == 1:
        return float(points.max())
    points = points[np.argsort(-points[:, -1], kind="stable")]
    # Slices along the last objective, each as deep as the step to the next lower
    # point; all points above a slice reach through it.
    depths = points[:, -1] - np.append(points[1:, -1], 0.0)
    # In a plane the section of a slice is the largest first value so far.
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

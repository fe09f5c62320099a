"""Numbers that judge predictions and searches: arrays in, float out.

Rank correlation is Kendall's tau-b unless another is named.
"""

import numpy as np

from .typing import FloatArray


def kendall_tau(true: FloatArray, predicted: FloatArray) -> float:
    """Return Kendall's tau-b of two arrays of shape ``(n,)``; NaN if one is constant."""
    from scipy.stats import kendalltau

    return float(kendalltau(true, predicted).statistic)


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
    return min(share, max(0.0, centre - half)), max(share, min(1.0, centre + half))


def clopper_pearson_lower(successes: int, n: int, *, confidence: float) -> float:
    """Return what a probability exceeds with at least this confidence, one-sided and exact.

    Clopper & Pearson, "The use of confidence or fiducial limits" (Biometrika 26, 1934).
    """
    from scipy.special import betaincinv

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
    return min(1.0, 2 * float(bdtr(fewer, n, 0.5))) if n else 1.0

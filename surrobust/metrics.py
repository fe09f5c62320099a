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

"""Rank correlations of scores, and how far they vary with the cells."""

from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from surrobust.metrics import kendall_tau, spearman_rho
from surrobust.tables import load_proxy_scores

FIRST = "params"
SAME = "params, cells of the costly ones"


@cache
def load_scores() -> pd.DataFrame:
    """Return our scores by index, and the parameter count on the cells of the costly ones."""
    scores = load_proxy_scores()
    scores.insert(1, SAME, scores[FIRST].where(scores["jacobian_norm"].notna()))
    return scores


class Correlation(NamedTuple):
    """Of how many cells, Spearman's, its deviation over draws of cells, and Kendall's."""

    n: int
    spearman: float
    sd: float
    kendall: float


def correlate(a: np.ndarray, b: np.ndarray, boots: int) -> Correlation:
    """Correlate where both are known; NaN where there is nothing to rank."""
    known = np.isfinite(a) & np.isfinite(b)
    a, b = a[known], b[known]
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return Correlation(len(a), np.nan, np.nan, np.nan)
    spread = float(np.std(bootstrap(a, b, boots), ddof=1))
    return Correlation(len(a), spearman_rho(a, b), spread, kendall_tau(a, b))


def bootstrap(a: np.ndarray, b: np.ndarray, boots: int) -> np.ndarray:
    """Spearman of cells drawn with replacement, ``(boots,)``, the same draws for equal lengths."""
    draws = np.random.default_rng(0).integers(len(a), size=(boots, len(a)))
    x, y = (rankdata(values[draws], axis=1) for values in (a, b))
    x, y = (ranks - ranks.mean(axis=1, keepdims=True) for ranks in (x, y))
    return (x * y).sum(1) / np.sqrt((x**2).sum(1) * (y**2).sum(1))

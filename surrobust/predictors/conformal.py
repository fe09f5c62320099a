"""Intervals that hold for any model: conformal prediction from cross-validated residuals.

Lei, G'Sell, Rinaldo, Tibshirani & Wasserman, "Distribution-Free Predictive Inference for
Regression" (JASA 2018), section 5.2, divide residuals by a model of their spread; Vovk,
"Cross-conformal predictors" (2015), takes them from cross-validation so that no cell is set aside.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from .._random import as_generator
from ..typing import FloatArray, IntArray, Seed

_FLOOR = 0.25
"""The least spread that counts, as a share of the typical one: no interval has zero width where
a model is sure of itself, and no single residual is blown up."""


@dataclass(frozen=True)
class Calibration:
    """What is learnt from residuals on held-out cells.

    Args:
        scores: Absolute residuals over floored standard deviations, ascending along axis 0,
            shape ``(n, m)``, float32.
        floors: Least standard deviation that counts, shape ``(m,)``, in the targets' unit.
    """

    scores: np.ndarray
    floors: FloatArray

    @classmethod
    def from_residuals(cls, residuals: FloatArray, std: FloatArray) -> "Calibration":
        """Calibrate on residuals and the model's standard deviations, both ``(n, m)``."""
        typical = np.sqrt(np.mean(std**2, axis=0)) if len(std) else np.zeros(std.shape[1])
        floors = np.where(typical > 0, _FLOOR * typical, 1.0)
        scores = np.sort(np.abs(residuals) / np.maximum(std, floors), axis=0)
        # Rounded away from zero, so that intervals are never narrower than in float64.
        small = np.nextafter(scores.astype(np.float32), np.float32(np.inf))
        return cls(np.where(scores > 0, small, 0).astype(np.float32), floors)

    def half_widths(self, std: FloatArray, *, coverage: float) -> FloatArray:
        """Return half the width of each interval, shape ``(k, m)`` for ``std`` of ``(k, m)``."""
        level = conformal_quantile(self.scores, coverage=coverage)
        return level * np.maximum(std, self.floors)


def conformal_quantile(ascending: np.ndarray, *, coverage: float) -> FloatArray:
    """Return the ceil((n + 1) coverage)-th smallest score of each column, shape ``(m,)``.

    Infinite where that is above n: so few scores cannot vouch for the coverage.

    Args:
        ascending: Scores ``(n, m)``, sorted along axis 0.
        coverage: Share of true values that intervals shall hold, in (0, 1).
    """
    n, m = ascending.shape
    # 0.9 * 10 must count as 9, whatever its last bit.
    rank = int(np.ceil((n + 1) * coverage - 1e-9))
    if rank > n:
        return np.full(m, np.inf)
    return ascending[max(rank, 1) - 1].astype(np.float64)


def split_into_folds(groups: Sequence[Hashable], *, folds: int, seed: Seed) -> IntArray:
    """Return the fold of each row, shape ``(n,)``; rows of one group share their fold.

    Groups are shuffled and dealt to the fold that is smallest so far. Fewer than three groups
    give no folds at all (all -1): each fold must leave two groups to train on.
    """
    members: dict[Hashable, list[int]] = {}
    for row, group in enumerate(groups):
        members.setdefault(group, []).append(row)
    labels = np.full(len(groups), -1, dtype=np.int64)
    if len(members) < 3:
        return labels
    sizes = np.zeros(min(folds, len(members)), dtype=np.int64)
    rows = list(members.values())
    for position in as_generator(seed).permutation(len(rows)):
        fold = int(np.argmin(sizes))
        labels[rows[position]] = fold
        sizes[fold] += len(rows[position])
    return labels

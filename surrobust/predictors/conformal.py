"""Intervals that hold for any model: conformal prediction from cross-validated residuals.

Lei, G'Sell, Rinaldo, Tibshirani & Wasserman, "Distribution-Free Predictive Inference for
Regression" (JASA 2018), section 5.2, divide residuals by a model of their spread; Vovk,
"Cross-conformal predictors" (2015), takes them from cross-validation so that no cell is set aside.

The model of the spread has two factors: the predictor's own standard deviation, and how wrong that
is at a level, since predictors are often surer or less sure in the head of a ranking than they
should be. The second is a local mean over held-out cells that are predicted nearly as high. The
factor of a held-out cell is the mean over the others, as that of a new cell is over all of them.

Where not only the size of the residuals but their distribution changes with the level, one quantile
is too wide at some coverages and too narrow at others; so each level has bends: its own quantiles
over those of all cells (weighted quantiles, as in Guan, "Localized conformal prediction",
Biometrika 2023), drawn towards one by as much as few cells say.

Who looks for the best cells asks about those that turn out high, and of them too little was
predicted more often than too much: regression to the mean, by which intervals around the predicted
values fall short among the best measured ones however well they are calibrated at each level. So
the middle of an interval is above the predicted value where that is high, below it where it is low
(:data:`TILT`). What an interval holds at each level does not change: scores are distances from that
middle. Of normal residuals a shift by d deviations costs d^2 / 2 of the width.

Cells are exchangeable, not rows: several rows of one cell are repeated measurements of it. As in
Lee, Barber & Willett, "Distribution-free inference with hierarchical data" (arXiv 2306.06342), each
of a cell's N rows weighs 1 / N in every quantile and mean, and the rank counts distinct cells.
Isomorphic cells are one in that, yet where each was measured, quantiles over all of them count too.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from .._parts import LARGEST_VALUE, tensor
from .._random import as_generator
from ..errors import InvalidModelError
from ..typing import FloatArray, IntArray, Seed
from .local_quantiles import BEND_AT, LARGEST_BEND, local_bends, middle_ranks
from .repeats import ROUNDING, CellRows

_FLOOR = 0.25
"""The least spread that counts, as a share of the typical one: no interval has zero width where
a model is sure of itself, and no single residual is blown up."""

# The tilt, this window, that of the bends and the cells that all levels count for there were chosen
# on design targets and splits of their own (experiments/intervals).
TILT = 0.3
"""By how many mean scores the middle of an interval is above the highest predicted value; as much
below the lowest, and in between as the rank is."""

_WIDTH = 0.05
"""Standard deviation of the Gaussian window of a local mean, in ranks as shares of all."""

_LEAST_WIDTH = 2.0
"""The same in ranks, where cells are few."""

_TYPICAL = 2.0
"""How many cells the mean over all levels counts for in a local mean."""

_LEAST_FACTOR = 0.1
"""No level's spread is taken to be smaller than this share of the typical one."""

_KNOTS = 65
"""Levels at which a factor is kept."""


@dataclass(frozen=True)
class Calibration:
    """What is learnt from residuals on held-out cells.

    Args:
        scores: Distances from the middles over floored standard deviations and factors, ascending
            along axis 0, one for each of n distinct cells, shape ``(n, m)``, float32. Where cells
            have several rows, the r-th is the least score at which the rows, each weighing one
            over the rows of its cell, amount to r cells.
        floors: Least standard deviation that counts, shape ``(m,)``, in the targets' unit.
        levels: Predicted values, ascending along axis 0, ``(k, m)``; k is 0 where the level does
            not count.
        factors: By how much the standard deviation is too small there, ``(k, m)``.
        shifts: By how many floored standard deviations the middle of an interval is above the
            predicted value there, ``(k, m)``.
        bends: Quantiles there over those of all levels at the coverages ``BEND_AT``, ``(p, k, m)``
            float32; p is 0 where there are none.
    """

    scores: np.ndarray = tensor("float32", "_cells m", most=LARGEST_VALUE)
    floors: FloatArray = tensor("float64", "m", most=LARGEST_VALUE)
    levels: FloatArray = tensor("float64", "_levels m", most=LARGEST_VALUE)
    factors: FloatArray = tensor("float64", "_levels m")
    shifts: FloatArray = tensor("float64", "_levels m", most=LARGEST_VALUE)
    bends: np.ndarray = tensor("float32", "_coverages * m", most=LARGEST_BEND)

    def check(self) -> None:
        """Refuse what no residuals give.

        Raises:
            InvalidModelError: If it is such.
        """
        ascends = all((np.diff(array, axis=0) >= 0).all() for array in (self.scores, self.levels))
        if not ascends or (self.scores < 0).any():
            msg = "calibration: expected ascending scores and levels, got others"
            raise InvalidModelError(msg)
        if any((array <= 0).any() for array in (self.floors, self.factors, self.bends)):
            msg = "calibration: expected positive floors, factors and bends, got others"
            raise InvalidModelError(msg)
        shape = self.bends.shape[:2]
        if shape not in ((0, 0), (len(BEND_AT), len(self.levels))):
            wanted = f"{len(BEND_AT)} bends of {len(self.levels)} levels, or none"
            msg = f"calibration: expected {wanted}, got an array of shape {shape}"
            raise InvalidModelError(msg)

    @classmethod
    def from_residuals(
        cls,
        residuals: FloatArray,
        std: FloatArray,
        mean: FloatArray | None = None,
        *,
        groups: IntArray | None = None,
        forms: IntArray | None = None,
        tilt: float = TILT,
    ) -> "Calibration":
        """Calibrate on residuals and the model's standard deviations, both ``(n, m)``.

        Args:
            residuals: Measured minus predicted values.
            std: Standard deviations.
            mean: Predicted values, ``(n, m)``; None where the level shall not count.
            groups: What cell each row measures, ``(n,)``, see ``cell_groups``; None where each
                row is a cell of its own.
            forms: Which architecture each row measures, ``(n,)``, one or several for each cell;
                None where that makes no difference.
            tilt: See :data:`TILT`; 0 for intervals around the predicted values.
        """
        m = residuals.shape[1]
        rows = CellRows.of(np.arange(len(residuals)) if groups is None else groups)
        n = rows.n_cells
        typical = np.sqrt(rows.mean(std**2)) if n else np.zeros(m)
        # A model without spread of its own has deviations of 0: a
        # floor of 1 leaves plain residuals.
        floors = np.where(typical > 0, _FLOOR * typical, 1.0)
        signed = residuals / np.maximum(std, floors)
        scores = np.abs(signed)
        levels = factors = shifts = np.empty((0, m))
        bends = np.empty((0, 0, m), dtype=np.float32)
        if mean is not None and n > 1:
            # Factors and bends change slowly with the level; kept for
            # every cell they would be p n m numbers.
            keep = np.unique(np.linspace(0, n - 1, _KNOTS).round().astype(np.int64))
            levels, factors, shifts = np.empty((3, len(keep), m))
            typical_score = rows.mean(scores)
            bends = np.empty((len(BEND_AT), len(keep), m), dtype=np.float32)
            for j in range(m):
                order = np.argsort(mean[:, j], kind="stable")
                places = rows.places(order)[keep]
                kept = order[places]
                rank = middle_ranks(mean[:, j], rows.weights)
                of_new, of_others = _local_means(scores[:, j], rank, rows)
                levels[:, j], factors[:, j] = mean[kept, j], of_new[kept]
                middles = tilt * (2 * rank - 1) * typical_score[j]
                shifts[:, j] = (of_new * middles)[kept]
                scores[:, j] = np.abs(signed[:, j] / of_others - middles)
                bends[:, :, j] = local_bends(scores[:, j], mean[:, j], places, rows.groups)
        scores = _wider(rows.one_each(scores), rows, scores, forms)
        # Rounded away from zero, so that intervals are never narrower than in float64.
        small = np.nextafter(scores.astype(np.float32), np.float32(np.inf))
        return cls(
            np.where(scores > 0, small, 0).astype(np.float32),
            floors,
            levels,
            factors,
            shifts,
            bends,
        )

    def middles(self, mean: FloatArray, std: FloatArray) -> FloatArray:
        """Return the middle of each interval, shape ``(k, m)``, for arrays of that shape."""
        middle = mean.copy()
        if len(self.levels):
            deviation = np.maximum(std, self.floors)
            for j in range(mean.shape[1]):
                shift = np.interp(mean[:, j], self.levels[:, j], self.shifts[:, j])
                middle[:, j] += shift * deviation[:, j]
        return middle

    def half_widths(self, mean: FloatArray, std: FloatArray, *, coverage: float) -> FloatArray:
        """Return half the width of each interval, shape ``(k, m)``, for arrays of that shape."""
        quantile = conformal_quantile(self.scores, coverage=coverage)
        half: FloatArray = quantile * np.maximum(std, self.floors)
        if len(self.levels):
            for j in range(half.shape[1]):
                factors = self.factors[:, j] * self._bend(coverage, j)
                half[:, j] *= np.interp(mean[:, j], self.levels[:, j], factors)
        return half

    def _bend(self, coverage: float, j: int) -> FloatArray | float:
        """Return by how much the quantile of each level differs, ``(k,)``."""
        if not len(self.bends):
            return 1.0
        place = np.interp(coverage, BEND_AT, np.arange(len(BEND_AT)))
        low = min(int(place), len(BEND_AT) - 2)
        share = place - low
        bend: FloatArray = (1 - share) * self.bends[low, :, j] + share * self.bends[low + 1, :, j]
        return bend


def _wider(
    scores: FloatArray, rows: CellRows, of_rows: FloatArray, forms: IntArray | None
) -> FloatArray:
    """Return scores of cells, ``(n_cells, m)``, raised to those of their forms where these differ.

    A new architecture may be drawn in two ways: a cell, then one of its isomorphic forms, or a form
    among all forms. Where forms differ, as in latency, cells of many forms count more in the
    second. With the larger score of the two at each coverage, intervals hold in both.

    Args:
        scores: Of the first way, ascending.
        rows: The cell of each row.
        of_rows: Scores of rows, ``(n, m)``.
        forms: The architecture of each row, ``(n,)``, or None.
    """
    if forms is None or (drawn := CellRows.of(forms)).n_cells == rows.n_cells:
        return scores
    coverage = np.arange(1, rows.n_cells + 1) / (rows.n_cells + 1)
    ranks = np.ceil((drawn.n_cells + 1) * coverage - ROUNDING).astype(np.int64)
    return np.maximum(scores, drawn.one_each(of_rows)[ranks - 1])


def _local_means(
    scores: FloatArray, rank: FloatArray, rows: CellRows
) -> tuple[FloatArray, FloatArray]:
    """Average scores ``(n,)`` by a Gaussian window over their ``middle_ranks``, ``(n,)``.

    The window is mirrored at both ends; its weights are the heat kernel of an interval, a sum of
    cosines.

    Returns:
        Means over the mean of all: for a new cell of each level, and for each row over the
        other cells, without what its own scored; both ``(n,)``.
    """
    n = rows.n_cells
    # Fewer than two ranks wide, a window would hold next to nothing but the cell itself.
    width = max(_WIDTH, _LEAST_WIDTH / n)
    # Reflected at both ends, the window is a cosine series: n waves instead of n^2 distances. Those
    # beyond 1.5 / width weigh less than 2 exp(-(1.5 pi)^2 / 2) = 3e-5.
    frequency = np.arange(1, int(np.ceil(1.5 / width)) + 1)
    decay = 2 * np.exp(-0.5 * (np.pi * frequency * width) ** 2)
    waves = np.cos(np.pi * np.outer(rank, frequency))
    peak = width * np.sqrt(2 * np.pi)  # scales the window to one at its middle
    mass = np.stack([rows.weights, rows.weights * scores], axis=1)
    near = peak * (waves * decay) @ waves.T.dot(mass)
    total = mass[:, 1].sum()
    # The wave of frequency 0 is one everywhere: it adds the sums themselves.
    ones, weighted = near.T + peak * np.array([[n], [total]])
    if total == 0:
        return np.ones(len(scores)), np.ones(len(scores))
    mine = rows.sums(scores[:, None])
    own_waves = rows.sums(waves)
    own = peak * (1 + (waves * own_waves[rows.groups]) @ decay)
    # Isomorphic cells may be predicted apart: then their scores do not all weigh alike here.
    uneven = rows.sums(scores[:, None] * waves) - mine * own_waves
    own_scores = mine[rows.groups, 0]
    own_weighted = own * own_scores + peak * ((waves * uneven[rows.groups]) @ decay)
    mean, others = total / n, (total - own_scores) / (n - 1)
    # Drawn to the mean of all by two cells' weight: few neighbours tell little.
    of_new = (weighted + _TYPICAL * mean) / (ones + _TYPICAL)
    of_others = (weighted - own_weighted + _TYPICAL * others) / (ones - own + _TYPICAL)
    # What a cell scores twice at one level is one number, whatever the last bit of a product.
    level = np.unique(rank, return_inverse=True)[1].ravel()
    pairs = np.stack([rows.groups, level], axis=1)
    _, first, same = np.unique(pairs, axis=0, return_index=True, return_inverse=True)
    of_others = of_others[first[same.ravel()]]
    return np.maximum(of_new / mean, _LEAST_FACTOR), np.maximum(of_others / mean, _LEAST_FACTOR)


def conformal_quantile(ascending: np.ndarray, *, coverage: float) -> FloatArray:
    """Return the ceil((n + 1) coverage)-th smallest score of each column, shape ``(m,)``.

    Infinite where that is above n: so few scores cannot vouch for the coverage.

    Args:
        ascending: Scores ``(n, m)`` of n distinct cells, sorted along axis 0.
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
    # Without folds nothing is calibrated, and every interval is all of the range.
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

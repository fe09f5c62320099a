"""Retraining noise, and the rank correlation that no predictor can pass because of it.

The benchmarks trained cells that compute the same function separately, but for constants in cells
with convolutions of zeros, which make no difference that is seen in the mean
(``experiments/noise``). The spread inside these function classes is retraining noise: even a
predictor that knew the expected accuracy of every cell would not rank the measured ones perfectly.
The estimate has three steps:

1. The noise variance as a smooth function of the level: squared deviations inside classes,
   averaged over the classes nearest in level.
2. The distribution of expected accuracies: measured values are pulled together by half of
   Tweedie's correction ``sigma^2 d log p / dy`` (Efron, "Tweedie's formula and selection bias",
   JASA 2011; the full correction gives posterior means, which vary too little, none gives the
   measured values, which vary too much).
3. Measured values are simulated from these, with the scaled deviations themselves as noise, so
   that heavy tails stay; the ceiling is the mean agreement with what they were simulated from.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from .. import metrics
from .._checks import check_integer, check_values
from .._random import as_generator
from ..errors import InvalidInputError
from ..typing import FloatArray, IntArray, Seed

_NEIGHBOURS = 60
"""Classes over which the noise variance is averaged at a level."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What agreement a perfect predictor would reach, with a bootstrap interval.

    Args:
        value: The ceiling.
        lower: 2.5 % quantile over bootstrap samples of the classes.
        upper: 97.5 % quantile.
        noise_sd: Root of the mean noise variance over all cells, in the unit of the values.
        n_classes: Function classes with more than one member, from which the noise is known.
    """

    value: float
    lower: float
    upper: float
    noise_sd: float
    n_classes: int


def noise_ceiling(
    values: FloatArray,
    classes: Sequence[Hashable],
    *,
    score: Callable[[FloatArray, FloatArray], float] = metrics.kendall_tau,
    n_bootstrap: int = 100,
    seed: Seed = 0,
) -> Ceiling:
    """Estimate the highest ``score(measured, predicted)`` that a predictor can reach.

    Args:
        values: Measured values, shape ``(n,)``.
        classes: For each value, what its architecture computes; equal for twins.
        score: Agreement of measured and predicted values, Kendall's tau-b by default.
        n_bootstrap: Resamples of the classes for the interval; each also simulates once.
        seed: Seed or generator.

    Raises:
        InvalidInputError: If fewer than ten classes have more than one member.
    """
    y = check_values(values, n=len(classes))
    check_integer("n_bootstrap", n_bootstrap, minimum=1)
    rng = as_generator(seed)
    groups = _groups(classes)
    if len(groups) < 10:
        msg = f"classes: expected at least 10 with several members, got {len(groups)}"
        raise InvalidInputError(msg)
    point, slope = _Noise(y, groups), _log_density_slope(y)
    # The estimate is a mean of twenty simulations, a resample's one of
    # three: their error is in the interval too.
    centre = float(np.mean([point.simulate(y, slope, score, rng) for _ in range(20)]))
    draws = np.empty(n_bootstrap)
    for i in range(n_bootstrap):
        chosen = rng.integers(len(groups), size=len(groups))
        # The classes are resampled, not the cells: what is uncertain is
        # the noise, the cells are all there are.
        noise = _Noise(y, [groups[j] for j in chosen])
        draws[i] = np.mean([noise.simulate(y, slope, score, rng) for _ in range(3)])
    lower, upper = np.quantile(draws, [0.025, 0.975])
    return Ceiling(
        value=centre,
        # A resample has classes twice and noise from fewer of them:
        # its quantiles may miss the estimate.
        lower=float(min(lower, centre)),
        upper=float(max(upper, centre)),
        noise_sd=float(np.sqrt(point.variance(y).mean())),
        n_classes=len(groups),
    )


def _groups(classes: Sequence[Hashable]) -> list[IntArray]:
    """Return the positions of each class with more than one member."""
    members: dict[Hashable, list[int]] = {}
    for position, name in enumerate(classes):
        members.setdefault(name, []).append(position)
    return [np.array(positions) for positions in members.values() if len(positions) > 1]


class _Noise:
    """Noise variance by level, and scaled deviations to draw from."""

    def __init__(self, y: FloatArray, groups: Sequence[IntArray]) -> None:
        levels = np.array([y[g].mean() for g in groups])
        order = np.argsort(levels, kind="stable")
        self._levels = levels[order]
        squares = np.array([((y[g] - y[g].mean()) ** 2).sum() for g in groups])[order]
        freedom = np.array([len(g) - 1.0 for g in groups])[order]
        width = min(_NEIGHBOURS, len(groups))
        window = np.ones(width)
        # At both ends the window is cut off, and so is the weight that is divided by.
        weight = np.convolve(freedom, window, mode="same")
        # Within a window every class counts by its degrees of freedom.
        self._variances = np.convolve(squares, window, mode="same") / weight
        # Where twins agree exactly, as at an accuracy of 0, scaled deviations must not be 0 / 0.
        self._variances = np.maximum(self._variances, 1e-12)
        scaled = [
            # A deviation from the mean of n has (n - 1) / n of the variance, half of it in a pair.
            (y[g] - y[g].mean()) * np.sqrt(len(g) / (len(g) - 1.0))
            for g in (groups[i] for i in order)
        ]
        sds = np.repeat(np.sqrt(self._variances), [len(s) for s in scaled])
        pool = np.concatenate(scaled) / sds
        # Of variance one: the size of the noise is the level's, the pool gives the shape.
        self._pool = pool / np.sqrt(np.mean(pool**2))

    def variance(self, level: FloatArray) -> FloatArray:
        """Return the noise variance at each level, constant outside the levels seen."""
        return np.interp(level, self._levels, self._variances)

    def simulate(
        self,
        y: FloatArray,
        slope: FloatArray,
        score: Callable[[FloatArray, FloatArray], float],
        rng: np.random.Generator,
    ) -> float:
        """Simulate measured values once and return the score of what they came from.

        Args:
            y: Measured values, ``(n,)``.
            slope: Of the log density there, ``(n,)``.
            score: Agreement of measured and expected values.
            rng: Draws the noise.
        """
        # Towards where values are denser, by half of the correction (step 2 above).
        expected = y + 0.5 * self.variance(y) * slope
        # The variance at the expected value, which the measured one was drawn about.
        noise = rng.choice(self._pool, size=len(y)) * np.sqrt(self.variance(expected))
        return score(expected + noise, expected)


def _log_density_slope(y: FloatArray, bins: int = 400) -> FloatArray:
    """Return ``d log p / dy`` at each value by a binned Gaussian kernel density."""
    # Silverman's rule with his robust spread ("Density Estimation", 1986, section 3.4.2): the
    # interquartile range of a normal is 1.34 deviations. It is 0 where half of the cells are equal.
    spread = min(y.std(), np.subtract(*np.quantile(y, [0.75, 0.25])) / 1.34) or y.std() or 1.0
    width = 1.06 * spread * len(y) ** -0.2
    # Four widths beyond the ends: less than 1e-4 of a Gaussian lies farther out.
    edges = np.linspace(y.min() - 4 * width, y.max() + 4 * width, bins + 1)
    centres = 0.5 * (edges[1:] + edges[:-1])
    # Binned: 400 x 400 distances instead of n x n.
    counts = np.histogram(y, bins=edges)[0]
    gaps = (centres[:, None] - centres[None, :]) / width
    kernel = np.exp(-0.5 * gaps**2)
    density = kernel @ counts + 1e-12
    # d log p / dy = p' / p; factors that both have are left out.
    slope = (-gaps / width * kernel) @ counts / density
    # In an almost empty tail the slope of the estimate is the kernel's own; do not extrapolate.
    slope = np.clip(slope, -3.0 / width, 3.0 / width)
    return np.interp(y, centres, slope)

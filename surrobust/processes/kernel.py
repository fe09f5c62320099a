"""Kernels: how alike two cells are, and what is believed of a process before it is fitted.

k(a, b) = amplitude * c(r^2) + level + sum_t slope_t q_t(a) . q_t(b): a correlation c of the squared
distance r^2 = sum_g weight_g |z_g(a) - z_g(b)|^2 with one squared inverse lengthscale for each
group of features, a constant for the unknown mean, and linear trends in rows q whose coefficients
are independent with variance ``slope`` (Rasmussen & Williams, "Gaussian Processes for Machine
Learning", 2006, sections 2.7 and 4.2).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from .._parts import tensor
from ..typing import FloatArray, IntArray

# 2048 rows beside 6466 are 106 MB of float64.
_CHUNK, _CACHED = 2048, 512
"""Rows that are computed at once."""


class Shape(ABC):
    """A correlation as a function of squared distance."""

    steepness: float
    """The derivative of the correlation is this times what ``with_decay`` returns."""

    @abstractmethod
    def with_decay(self, squared: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return correlations, and what their derivatives by ``squared`` are multiples of."""

    def __call__(self, squared: FloatArray) -> FloatArray:
        """Return correlations at squared distances."""
        return self.with_decay(squared)[0]


class Matern(Shape):
    """Matern 3/2, (1 + r) exp(-r) with r^2 = 3 squared (Rasmussen & Williams, equation 4.17)."""

    # With s = squared: d (1 + r) exp(-r) / d s = -1.5 exp(-r). r cancels, so that equal rows
    # divide by nothing.
    steepness = -1.5

    def with_decay(self, squared: FloatArray) -> tuple[FloatArray, FloatArray]:
        """See :class:`Shape`."""
        # What is added stays below the jitter: at distance 0 the correlation is 1 - 5e-9.
        r = np.sqrt(3 * squared + 1e-8)
        decay = np.exp(-r)
        return (1 + r) * decay, decay


class SquaredExponential(Shape):
    """exp(-squared / 2) (Rasmussen & Williams, equation 4.9)."""

    steepness = -0.5

    def with_decay(self, squared: FloatArray) -> tuple[FloatArray, FloatArray]:
        """See :class:`Shape`."""
        decay = np.exp(-0.5 * squared)
        return decay, decay


@dataclass(frozen=True)
class Belief:
    """A log-normal prior of a hyper-parameter.

    Args:
        median: Of the hyper-parameter.
        sd: Standard deviation of its logarithm.
        bounds: Of its logarithm.
    """

    median: float
    sd: float = 1.0
    bounds: tuple[float | None, float | None] = (None, None)


@dataclass(frozen=True)
class Kernel:
    """A shape, and what is believed of the hyper-parameters beforehand.

    Args:
        shape: How correlations fall.
        weights: Of groups of features, by their names.
        other_weight: Of all other groups.
        amplitude: Variance of the part that varies, in squared scores. None: mean and amplitude are
            profiled out, and noise and slopes are relative to the amplitude.
        noise: Variance of the noise.
        slopes: Variance of the coefficients of each trend.
        jitter: Added to the diagonal.
        iterations: Steps of the search for the mode of the posterior.
    """

    shape: Shape = field(default_factory=Matern)
    weights: Mapping[str, Belief] = field(default_factory=dict)
    other_weight: Belief = Belief(0.1, 0.6)
    amplitude: Belief | None = Belief(2.0)
    noise: Belief = Belief(0.05)
    slopes: tuple[Belief, ...] = ()
    # L-BFGS has no bounds here: noise that goes to nothing must not make K singular in float64.
    # As a deviation it is a thousandth of a target's spread.
    jitter: float = 1e-6
    iterations: int = 40

    @property
    def level(self) -> float:
        """Variance of the mean: scores have spread 1, so the mean needs no estimate."""
        return 0.0 if self.amplitude is None else 1.0

    def beliefs(self, names: Sequence[str]) -> tuple[Belief, ...]:
        """Return what is believed of weights, amplitude if there is one, noise and slopes."""
        weights = [self.weights.get(name, self.other_weight) for name in names]
        amplitude = [] if self.amplitude is None else [self.amplitude]
        return (*weights, *amplitude, self.noise, *self.slopes)

    def read(self, theta: FloatArray) -> "Hyperparameters":
        """Return the hyper-parameters, given their logarithms in the order of ``beliefs``."""
        values = np.exp(theta)
        tail = len(values) - len(self.slopes)
        g = tail - (1 if self.amplitude is None else 2)
        amplitude = 1.0 if self.amplitude is None else float(values[g])
        noise = float(values[tail - 1])
        return Hyperparameters(amplitude, noise, values[:g], values[tail:])


@dataclass(frozen=True)
class Hyperparameters:
    """What the marginal likelihood decides.

    Args:
        amplitude: Variance of the part that varies, in squared scores.
        noise: Variance of the noise, likewise.
        weights: One per group, ``(g,)``.
        slopes: Variances of the coefficients of trends, ``(t,)``.
    """

    amplitude: float
    noise: float
    weights: FloatArray = tensor("float64", "_groups")
    slopes: FloatArray = tensor("float64", "_slopes")


_FEATURES = {"count": 0.05, "stat": 0.05, "feed": 0.03, "field": 0.2, "flow": 0.08}
"""Medians of the weights of the features' groups."""

PREDICTING = Kernel(
    weights={name: Belief(median, 0.6) for name, median in _FEATURES.items()}
    | {"columns": Belief(0.1, 1.5)}
)
"""The kernel of predictors."""

LEARNT = replace(
    PREDICTING,
    weights={name: Belief(1.0, 0.6) for name in (*_FEATURES, "learnt")}
    | {"columns": Belief(0.1, 1.5)},
)
"""The same where a metric is learnt, which has the weights of groups in it."""

_BOUNDS = (-6.0, 5.0)
SEARCHING = Kernel(
    shape=SquaredExponential(),
    weights={name: Belief(median, 0.6, _BOUNDS) for name, median in _FEATURES.items()}
    | {"paths": Belief(0.08, 1.0, _BOUNDS)},
    amplitude=None,
    # Noise stays above exp(-9) = 1e-4 of the amplitude and does what a jitter would.
    noise=Belief(0.02, 1.0, (-9.0, 1.0)),
    jitter=0.0,
    iterations=25,
)
"""The kernel of searches, which fit it anew after every measurement."""


def squared_distances(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return squared Euclidean distances of rows, ``(n, k)``."""
    # One matrix product instead of differences (n, k, d); where rows nearly agree the
    # terms cancel to a rounding error, which may be negative.
    squares = _squared_norms(a)[:, None] + _squared_norms(b)[None] - 2 * a @ b.T
    return np.maximum(squares, 0)


def _squared_norms(z: FloatArray) -> FloatArray:
    """Return the squared norm of each row, ``(n,)``, by parts that stay in a cache."""
    parts = [(z[i : i + _CACHED] ** 2).sum(axis=1) for i in range(0, len(z), _CACHED)]
    return np.concatenate(parts) if parts else np.empty(0)


@dataclass(frozen=True)
class Rows:
    """Cells as a kernel compares them.

    Args:
        Z: Scaled features, ``(n, d)``.
        trends: Rows of each trend, ``(n, k)``.
    """

    Z: np.ndarray
    trends: tuple[np.ndarray, ...] = ()

    def __len__(self) -> int:
        return len(self.Z)

    def __getitem__(self, rows: slice | IntArray) -> "Rows":
        return Rows(self.Z[rows], tuple(trend[rows] for trend in self.trends))


@dataclass(frozen=True)
class Covariance:
    """A kernel whose hyper-parameters are known.

    Args:
        kernel: The kernel.
        found: Its hyper-parameters.
        slices: Columns of the groups of features.
    """

    kernel: Kernel
    found: Hyperparameters
    slices: tuple[slice, ...]

    def __call__(self, a: Rows, b: Rows) -> FloatArray:
        """Return covariances without noise, ``(n, k)``."""
        left, right = self.stretch(a.Z), self.stretch(b.Z)
        result = np.empty((len(a), len(b)))
        for start in range(0, len(a), _CHUNK):
            rows = slice(start, start + _CHUNK)
            squared = squared_distances(left[rows], right)
            result[rows] = self.found.amplitude * self.kernel.shape(squared) + self.kernel.level
        for slope, p, q in zip(self.found.slopes, a.trends, b.trends, strict=True):
            if slope:
                result += slope * p.astype(np.float64) @ q.astype(np.float64).T
        return result

    def diagonal(self, rows: Rows) -> FloatArray:
        """Return the variance of each cell beforehand, ``(n,)``."""
        variance = np.full(len(rows), self.found.amplitude + self.kernel.level)
        for slope, q in zip(self.found.slopes, rows.trends, strict=True):
            variance += slope * (q.astype(np.float64) ** 2).sum(axis=1)
        return variance

    def within(self, rows: Rows, at: IntArray) -> FloatArray:
        """Return the covariances among k rows of each of b cells, ``(b, k, k)``.

        Args:
            rows: Rows.
            at: Which of them, ``(b, k)``.
        """
        s = self.stretch(rows.Z)[at]
        squares = (s**2).sum(axis=2)
        squared = squares[:, :, None] + squares[:, None] - 2 * s @ s.transpose(0, 2, 1)
        correlation = self.kernel.shape(np.maximum(squared, 0))
        K: FloatArray = self.found.amplitude * correlation + self.kernel.level
        for slope, trend in zip(self.found.slopes, rows.trends, strict=True):
            q = trend.astype(np.float64)[at]
            K += slope * q @ q.transpose(0, 2, 1)
        return K

    def stretch(self, Z: np.ndarray) -> FloatArray:
        """Return scaled rows whose distances the kernel measures, ``(n, d)`` float64."""
        widths = [s.stop - s.start for s in self.slices]
        stretched: FloatArray = Z * np.repeat(np.sqrt(self.found.weights), widths)
        return stretched

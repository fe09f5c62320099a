"""One view of what a prior is worth, and the Gaussian process that holds it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from .._random import as_generator, draw_rows
from .._tensors import take_tensor
from ..errors import InvalidModelError
from ..typing import FloatArray, IntArray
from .kernel import Hyperparameters, covariance
from .trend_kernel import TrendLikelihood

_JITTER = 1e-6
_ROWS = 500
"""Rows that hyper-parameters are fitted to, and rows behind the standard deviation."""


@dataclass(frozen=True)
class View:
    """What is supposed beforehand of a new target, in scores of spread one.

    Args:
        share: How much of the expectation comes true.
        amplitude: Variance of what no trend explains, in the median.
        noise: Variance of the noise, likewise.
        slope: Variance of the trend's coefficients, likewise.
        drawn: Which rows of :class:`Trend`: whether principal components are drawn together.
    """

    share: float
    amplitude: float
    noise: float
    slope: float
    drawn: bool = False

    @property
    def medians(self) -> tuple[float, float, float]:
        """Amplitude, noise and slope."""
        return self.amplitude, self.noise, self.slope


@dataclass(frozen=True)
class ProcessRows:
    """Cells as a process compares them.

    Args:
        Z: Scaled features, ``(n, d)`` float32.
        trends: Both kinds of rows of the trend, ``(2, n, t + 1)`` float32.
        expected: What is expected of each of m targets, ``(n, m)``.
    """

    Z: np.ndarray
    trends: np.ndarray
    expected: FloatArray

    def __getitem__(self, rows: slice | IntArray) -> "ProcessRows":
        return ProcessRows(self.Z[rows], self.trends[:, rows], self.expected[rows])

    def tensors(self) -> dict[str, np.ndarray]:
        """Return the three by name."""
        return {"rows": self.Z, "trends": self.trends, "expected": self.expected}

    @classmethod
    def take(cls, tensors: dict[str, np.ndarray], Z: np.ndarray, t: int, m: int) -> Self:
        """Take what :meth:`tensors` gave, Z apart: t columns of the trend, m targets.

        Raises:
            InvalidModelError: If they do not fit.
        """
        trends = take_tensor(tensors, "trends", dtype="float32", shape=(2, len(Z), t))
        return cls(Z, trends, take_tensor(tensors, "expected", dtype="float64", shape=(len(Z), m)))


class TrendProcess:
    """A Gaussian process around a share of the expectation, with a linear trend.

    Rasmussen & Williams, "Gaussian Processes for Machine Learning" (2006), algorithm 2.1 and
    section 2.7; hyper-parameters at the mode of their posterior.

    Args:
        view: What is supposed beforehand.
        names: Names of the groups of features.
        slices: Columns of the groups.
    """

    def __init__(self, view: View, names: Sequence[str], slices: Sequence[slice]) -> None:
        self.view, self.names, self.slices = view, names, slices

    def fit(
        self, rows: ProcessRows, scores: FloatArray, repeats: FloatArray, *, seed: int
    ) -> FloatArray:
        """Learn from n cells; return the logarithm of each target's evidence, ``(m,)``.

        Args:
            rows: The cells.
            scores: Theirs, ``(n, m)``.
            repeats: How many measurements each is the mean of, ``(n,)``.
            seed: Of the draw of rows, if there are many.
        """
        rng = as_generator(seed)
        left = scores - self.view.share * rows.expected
        chosen = draw_rows(len(left), _ROWS, rng)
        likelihood = TrendLikelihood(
            rows.Z[chosen],
            self._trend(rows)[chosen],
            left[chosen],
            repeats[chosen],
            self.names,
            self.slices,
            self.view.medians,
        )
        theta = likelihood.find()
        self.kernel_, self.slope_ = likelihood.read(theta)
        self.noise_ = likelihood.noises(theta)
        self.rows_ = rows
        return likelihood.log_prior(theta) + self._condition(left, repeats, rng)

    def _condition(
        self, left: FloatArray, repeats: FloatArray, rng: np.random.Generator
    ) -> FloatArray:
        """Compute what predictions need; return the log likelihood of each target."""
        from scipy.linalg import cho_factor, cho_solve, solve_triangular

        K = self._covariance(self.rows_, self.rows_)
        diagonal = np.diag_indices(len(K))
        self.alpha_ = np.empty_like(left)
        found = np.zeros(left.shape[1])
        for noise in np.unique(self.noise_) if len(K) else ():
            mine = self.noise_ == noise
            noisy = K.copy()
            noisy[diagonal] += noise / repeats + _JITTER
            factor = cho_factor(noisy, lower=True, overwrite_a=True)
            self.alpha_[:, mine] = cho_solve(factor, left[:, mine])
            found[mine] = -0.5 * (left * self.alpha_)[:, mine].sum(axis=0)
            found[mine] -= np.log(np.diag(factor[0])).sum()
        self.anchors_ = draw_rows(len(K), _ROWS, rng)
        noisy = K[np.ix_(self.anchors_, self.anchors_)]
        noise = np.median(self.noise_) / repeats[self.anchors_]
        noisy[np.diag_indices(len(noisy))] += noise + _JITTER
        whiten = np.empty((0, 0))
        if len(noisy):
            lower = np.tril(cho_factor(noisy, lower=True)[0])
            whiten = solve_triangular(lower, np.eye(len(lower)), lower=True)
        # In the order of memory that loading gives, so that both predict the same to the last bit.
        self.whiten_ = np.ascontiguousarray(whiten, dtype=np.float32)
        return found

    def posterior(self, rows: ProcessRows) -> tuple[FloatArray, FloatArray]:
        """Return scores ``(n, m)`` and their variances ``(n,)``."""
        mean = self.view.share * rows.expected
        variance = np.empty(len(mean))
        for start in range(0, len(mean), 1024):
            part = slice(start, start + 1024)
            K = self._covariance(rows[part], self.rows_)
            mean[part] += K @ self.alpha_
            known = K[:, self.anchors_].astype(np.float32) @ self.whiten_.T
            variance[part] = (known.astype(np.float64) ** 2).sum(axis=1)
        trend = self._trend(rows).astype(np.float64)
        before = self.kernel_.amplitude + 1 + self.slope_ * (trend**2).sum(axis=1)
        return mean, np.maximum(before - variance, 1e-9 * before)

    def _trend(self, rows: ProcessRows) -> np.ndarray:
        found: np.ndarray = rows.trends[int(self.view.drawn)]
        return found

    def _covariance(self, a: ProcessRows, b: ProcessRows) -> FloatArray:
        K = covariance(a.Z, b.Z, self.slices, self.kernel_)
        if self.slope_ == 0:
            return K
        p, q = (self._trend(rows).astype(np.float64) for rows in (a, b))
        return K + self.slope_ * p @ q.T

    def tensors(self) -> dict[str, np.ndarray]:
        """Return the fitted process, but for its rows."""
        found = self.kernel_
        return {
            "weights": found.weights,
            "variances": np.array([found.amplitude, found.noise, self.slope_]),
            "alpha": self.alpha_,
            "anchors": self.anchors_,
            "whiten": self.whiten_,
        }

    def restore(self, tensors: dict[str, np.ndarray], rows: ProcessRows) -> None:
        """Take over what :meth:`tensors` gave, for the same rows.

        Raises:
            InvalidModelError: If they do not fit.
        """
        n, m = rows.expected.shape
        weights = take_tensor(tensors, "weights", dtype="float64", shape=(len(self.names),))
        variances = take_tensor(tensors, "variances", dtype="float64", shape=(3,))
        self.alpha_ = take_tensor(tensors, "alpha", dtype="float64", shape=(n, m))
        self.anchors_ = take_tensor(tensors, "anchors", dtype="int64", shape=(None,))
        k = len(self.anchors_)
        self.whiten_ = take_tensor(tensors, "whiten", dtype="float32", shape=(k, k))
        is_inside = ((self.anchors_ >= 0) & (self.anchors_ < n)).all()
        if (weights < 0).any() or (variances < 0).any() or variances[0] == 0 or not is_inside:
            msg = "weights: expected a kernel and rows that exist, got others"
            raise InvalidModelError(msg)
        amplitude, noise, self.slope_ = map(float, variances)
        self.kernel_, self.rows_ = Hyperparameters(weights, amplitude, noise), rows

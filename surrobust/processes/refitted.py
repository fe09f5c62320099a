"""A Gaussian process that is refitted after every measurement of a search."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Final, TypeAlias

import numpy as np

from ..errors import NotFittedError
from ..spaces import Architecture
from ..typing import FloatArray, IntArray
from .groups import FEATURE_WEIGHTS, KERNEL_GROUPS, encode_function_groups

Trends: TypeAlias = Callable[[Sequence[Architecture]], Sequence[FloatArray]]
"""Architectures to rows of linear trends, each ``(n, k)``."""

_WEIGHT_PRIORS = {"paths": (0.08, 1.0)} | {
    name: (weight, 0.6) for name, weight in FEATURE_WEIGHTS.items()
}
"""Median of the weight of each group and deviation of its logarithm."""
_NOISE_PRIOR = (float(np.log(0.02)), 1.0)
_SLOPE_PRIORS = ((0.0, 1.0), (float(np.log(0.3)), 1.0))
"""Of the first trend, then of all others."""
_WEIGHT_BOUNDS = (-6.0, 5.0)
_NOISE_BOUNDS = (-9.0, 1.0)
_SLOPE_BOUNDS = (-8.0, 5.0)
_ITERATIONS = 25
_ALWAYS = 128
"""Up to so many rows every fit maximises the posterior."""
_GROWTH = 1.05
"""Beyond them a fit does so again once the rows are so many times those of the last time."""
_MOST = 1000
"""Rows that the process is conditioned on."""
_LATEST = 100
"""Of these, the latest."""


class FunctionProcess:
    """Gaussian process on what cells compute, with one lengthscale per group of features.

    A squared exponential kernel on the weighted sum of the groups' squared distances, a constant
    mean and independent noise. Mean and amplitude are profiled out; the weights and the
    relative noise maximise the marginal likelihood times log-normal priors (Rasmussen & Williams,
    "Gaussian Processes for Machine Learning", 2006, section 5.4). Refitting starts from the last
    optimum; from 128 rows on it maximises again only when the rows are 5 % more. Of more than
    1000 rows the best 500, the latest 100, and others evenly spaced in time are kept, so that a
    fit stays within bounds however long a search is.

    Trends add ``slope * q(a) . q(b)`` to the kernel for rows q of each: linear functions of them
    whose coefficients are independent with variance ``slope`` relative to the amplitude (the same
    book, section 2.7). The slopes are found with the weights.

    Args:
        trends: Rows of the trends; None for none.

    Attributes:
        theta_: Logarithms of the group weights, then of the noise and the slopes relative to the
            amplitude.
        noise_std_: Standard deviation of a measurement about what is predicted.
        loss_: Minus the logarithm of the posterior density at ``theta_`` when that was found, up
            to a constant that is the same for the same values, with trends or without.
    """

    def __init__(self, trends: Trends | None = None) -> None:
        self._trends = trends
        self.noise_std_ = self.loss_ = 0.0
        self.theta_: FloatArray | None = None
        self._maximised_at = 0
        self._encoded: tuple[Sequence[Architecture], tuple[FloatArray, ...]] | None = None
        self._last: tuple[Sequence[Architecture], tuple[FloatArray, FloatArray]] | None = None

    def fit(self, architectures: Sequence[Architecture], y: FloatArray) -> "FunctionProcess":
        """Fit values ``y`` of shape ``(n,)``, standardised or nearly so."""
        from scipy.linalg import cholesky, solve_triangular

        self._last = None
        n_given, kept = len(y), _rows_to_keep(np.asarray(y))
        architectures, y = [architectures[i] for i in kept], np.asarray(y)[kept]
        self._groups = encode_function_groups(architectures)
        self._rows = () if self._trends is None else tuple(self._trends(architectures))
        distances = np.stack([_squared_distances(group, group) for group in self._groups])
        products = [rows @ rows.T for rows in self._rows]
        g = len(distances)
        theta = _prior(len(products))[0] if self.theta_ is None else self.theta_
        if np.ptp(y) > 0 and self._is_due(n_given):
            theta, self.loss_ = _maximise_posterior(theta, distances, products, y)
            self._maximised_at = n_given
        self.theta_ = theta
        self._slopes = np.exp(theta[g + 1 :])
        n = len(y)
        squared = np.tensordot(np.exp(theta[:g]), distances, 1)
        covariance = np.exp(-0.5 * squared) + np.exp(theta[g]) * np.eye(n)
        for slope, product in zip(self._slopes, products, strict=True):
            covariance += slope * product
        # The whitener W has W' W as the inverse of the covariance.
        self._whitener = solve_triangular(cholesky(covariance, lower=True), np.eye(n), lower=True)
        ones = self._whitener.T @ self._whitener.sum(axis=1)
        self._mean = float(ones @ y / ones.sum())
        self._alpha = self._whitener.T @ (self._whitener @ (y - self._mean))
        self._amplitude = float((y - self._mean) @ self._alpha) / n
        self.noise_std_ = float(np.sqrt(self._amplitude * np.exp(theta[g])))
        return self

    def _is_due(self, n: int) -> bool:
        """Return whether ``n`` rows are few, or differ enough from those maximised on last."""
        last = self._maximised_at
        return n <= _ALWAYS or not last / _GROWTH < n < last * _GROWTH

    def predict(self, architectures: Sequence[Architecture]) -> FloatArray:
        """Return posterior means of shape ``(n,)``.

        Raises:
            NotFittedError: If the process was not fitted.
        """
        return self._posterior(architectures)[0]

    def predict_std(self, architectures: Sequence[Architecture]) -> FloatArray:
        """Return posterior standard deviations of shape ``(n,)``, without the noise.

        Raises:
            NotFittedError: If the process was not fitted.
        """
        return self._posterior(architectures)[1]

    def _posterior(self, architectures: Sequence[Architecture]) -> tuple[FloatArray, FloatArray]:
        if self.theta_ is None:
            msg = "FunctionProcess: expected fit before predict, got no fit"
            raise NotFittedError(msg)
        if self._last is not None and self._last[0] is architectures:
            return self._last[1]
        groups = self._encode(architectures)
        cross = _squared_distances(self._joined(self._groups), self._joined(groups))
        cross *= -0.5
        np.exp(cross, out=cross)
        before: float | FloatArray = 1.0
        if self._trends is not None:
            parts = zip(self._slopes, self._rows, self._trends(architectures), strict=True)
            for slope, known, rows in parts:
                cross += slope * (known @ rows.T)
                before = before + slope * (rows**2).sum(axis=1)
        mean = self._mean + self._alpha @ cross
        explained = self._whitener @ cross
        explained = np.einsum("ij,ij->j", explained, explained)
        std = np.sqrt(self._amplitude * np.maximum(before - explained, _LEAST_VARIANCE))
        if isinstance(architectures, tuple):
            self._last = (architectures, (mean, std))
        return mean, std

    def _encode(self, architectures: Sequence[Architecture]) -> tuple[FloatArray, ...]:
        """Encode, or recall what the same tuple was encoded to: searches predict it every time."""
        if self._encoded is not None and self._encoded[0] is architectures:
            return self._encoded[1]
        groups = encode_function_groups(architectures)
        if isinstance(architectures, tuple):
            self._encoded = (architectures, groups)
        return groups

    def _joined(self, groups: Sequence[FloatArray]) -> FloatArray:
        """Return the groups side by side, each scaled by the root of its weight."""
        assert self.theta_ is not None
        roots = np.exp(0.5 * self.theta_[: len(groups)])
        return np.concatenate([root * g for root, g in zip(roots, groups, strict=True)], axis=1)


_LEAST_VARIANCE: Final = 1e-10


def _rows_to_keep(y: FloatArray) -> IntArray:
    """Return which rows to keep, ascending: all of at most ``_MOST``, else that many."""
    n = len(y)
    if n <= _MOST:
        return np.arange(n)
    latest = np.arange(n - _LATEST, n)
    older = np.argsort(-y[: n - _LATEST], kind="stable")
    best, rest = older[: _MOST // 2], np.sort(older[_MOST // 2 :])
    spaced = np.linspace(0, len(rest) - 1, _MOST - _LATEST - len(best)).round().astype(np.int64)
    return np.sort(np.concatenate([best, rest[spaced], latest]))


def _squared_distances(left: FloatArray, right: FloatArray) -> FloatArray:
    """Return squared Euclidean distances of rows, shape ``(n, m)``."""
    squared = left @ right.T
    squared *= -2.0
    squared += (left**2).sum(axis=1)[:, None]
    squared += (right**2).sum(axis=1)[None, :]
    return np.maximum(squared, 0.0, out=squared)


@cache
def _prior(n_trends: int) -> tuple[FloatArray, FloatArray]:
    """Return means and deviations of the log-normal priors, shape ``(g + 1 + t,)`` each."""
    slopes = [_SLOPE_PRIORS[min(t, 1)] for t in range(n_trends)]
    weights = [
        (float(np.log(median)), sd)
        for median, sd in (_WEIGHT_PRIORS[name] for name in KERNEL_GROUPS)
    ]
    mean, sd = np.array([*weights, _NOISE_PRIOR, *slopes]).T
    return mean, sd


def _maximise_posterior(
    start: FloatArray, distances: FloatArray, products: Sequence[FloatArray], y: FloatArray
) -> tuple[FloatArray, float]:
    from scipy.optimize import minimize

    bounds = [_WEIGHT_BOUNDS] * len(distances) + [_NOISE_BOUNDS] + [_SLOPE_BOUNDS] * len(products)
    found = minimize(
        _loss,
        start,
        args=(distances, products, y),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": _ITERATIONS},
    )
    return np.asarray(found.x), float(found.fun)


def _loss(
    theta: FloatArray, distances: FloatArray, products: Sequence[FloatArray], y: FloatArray
) -> tuple[float, FloatArray]:
    """Return the negative logarithm of the posterior, up to a constant, and its gradient."""
    from scipy.linalg import LinAlgError, cho_solve, cholesky

    n, g = len(y), len(distances)
    weights, noise, slopes = np.exp(theta[:g]), np.exp(theta[g]), np.exp(theta[g + 1 :])
    kernel = np.exp(-0.5 * np.tensordot(weights, distances, 1))
    covariance = kernel + noise * np.eye(n)
    for slope, product in zip(slopes, products, strict=True):
        covariance += slope * product
    try:
        factor = cholesky(covariance, lower=True)
    except LinAlgError:
        return 1e10, np.zeros_like(theta)
    inverse = cho_solve((factor, True), np.eye(n))
    ones = inverse.sum(axis=1)
    residual = y - ones @ y / ones.sum()
    alpha = inverse @ residual
    amplitude = residual @ alpha / n
    value = 0.5 * n * np.log(amplitude) + np.log(np.diag(factor)).sum()
    by_covariance = inverse - np.outer(alpha, alpha) / amplitude
    by_squared = -0.5 * by_covariance * kernel
    gradient = (
        0.5
        * np.r_[
            weights * np.einsum("ij,gij->g", by_squared, distances),
            noise * np.trace(by_covariance),
            [s * float((by_covariance * p).sum()) for s, p in zip(slopes, products, strict=True)],
        ]
    )
    prior_mean, prior_std = _prior(len(products))
    deviation = (theta - prior_mean) / prior_std
    return value + 0.5 * float(deviation @ deviation), gradient + deviation / prior_std

"""The kernel of the Gaussian process, and how its hyper-parameters are found.

k(a, b) = amplitude * (1 + r) exp(-r) + 1, r^2 = 3 sum_g weight_g |z_g(a) - z_g(b)|^2: a Matern 3/2
kernel (Rasmussen & Williams, "Gaussian Processes for Machine Learning", 2006, equation 4.17) with
one squared inverse lengthscale per group of features, and a constant for the unknown mean.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..typing import FloatArray
from .groups import FEATURE_WEIGHTS

_PRIOR_WEIGHT = 0.1
_PRIOR_AMPLITUDE, _PRIOR_NOISE = 2.0, 0.05
_WEIGHT_SD, _OTHER_SD = 0.6, 1.0
_WEIGHT_SDS = {"columns": 1.5}
"""Log-normal priors: medians, and standard deviations of the logarithms."""

# L-BFGS has no bounds here: noise that goes to nothing must not make K singular in float64.
# As a deviation it is a thousandth of a target's spread.
_JITTER = 1e-6
_ITERATIONS = 40
# 2048 rows beside 6466 are 106 MB of float64.
_CHUNK, _CACHED = 2048, 512
"""Rows that are computed at once."""


@dataclass(frozen=True)
class Hyperparameters:
    """What the marginal likelihood decides.

    Args:
        weights: One per group, ``(g,)``.
        amplitude: Variance of the part that varies, in squared scores.
        noise: Variance of the noise, likewise.
    """

    weights: FloatArray
    amplitude: float
    noise: float

    @classmethod
    def of(cls, theta: FloatArray) -> "Hyperparameters":
        """Read the logarithms, weights first."""
        *weights, amplitude, noise = np.exp(theta)
        return cls(np.array(weights), float(amplitude), float(noise))


def matern(squared: FloatArray) -> FloatArray:
    """Return the Matern 3/2 correlation at squared distances, in place of them."""
    # What is added stays below the jitter: at distance 0 the correlation is 1 - 5e-9.
    r = np.sqrt(3 * squared + 1e-8)
    return (1 + r) * np.exp(-r)


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


def covariance(
    a: np.ndarray, b: np.ndarray, slices: Sequence[slice], found: Hyperparameters
) -> FloatArray:
    """Return the kernel between scaled rows, ``(n, k)``, without noise."""
    a, b = (stretch(z, slices, found.weights) for z in (a, b))
    result = np.empty((len(a), len(b)))
    for start in range(0, len(a), _CHUNK):
        rows = slice(start, start + _CHUNK)
        # The one is the variance of the mean, in scores of spread 1: the mean needs no estimate.
        result[rows] = found.amplitude * matern(squared_distances(a[rows], b)) + 1
    return result


def stretch(z: np.ndarray, slices: Sequence[slice], weights: FloatArray) -> FloatArray:
    """Return scaled rows whose distances the kernel measures, ``(n, d)``."""
    widths = [s.stop - s.start for s in slices]
    stretched: FloatArray = z * np.repeat(np.sqrt(weights), widths)
    return stretched


def evidence(K: FloatArray, Y: FloatArray) -> tuple[float, FloatArray] | None:
    """Return minus the log likelihood, mean over targets, and what its gradient is made of.

    The second is ``K^-1 - alpha alpha^T / m`` with ``alpha = K^-1 Y`` (Rasmussen & Williams,
    equations 5.8 and 5.9). None where K is not positive definite.

    Args:
        K: Covariance with noise, ``(n, n)``.
        Y: Scores, ``(n, m)``.
    """
    from scipy.linalg import lapack

    # LAPACK itself: the factor gives the inverse in place (dpotri, lower half only), which the
    # gradient needs whole; solving for n unit vectors takes three times the operations.
    factor, failed = lapack.dpotrf(K, lower=1, clean=1)
    if failed:
        return None
    inverse = lapack.dpotri(factor, lower=1)[0]
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    alpha = inverse @ Y
    m = Y.shape[1]
    value = 0.5 * np.sum(Y * alpha) / m + np.log(np.diag(factor)).sum()
    return value, inverse - alpha @ alpha.T / m


class MarginalLikelihood:
    """Minus the logarithm of the posterior of the hyper-parameters, mean over targets.

    Args:
        Z: Scaled rows, ``(n, d)``.
        Y: Scores, ``(n, m)``.
        repeats: How many measurements each row is the mean of, ``(n,)``.
        names: Names of the groups.
        slices: Columns of the groups.
    """

    def __init__(
        self,
        Z: np.ndarray,
        Y: FloatArray,
        repeats: FloatArray,
        names: Sequence[str],
        slices: Sequence[slice],
    ) -> None:
        rows = Z.astype(np.float64)
        self.distances = np.stack([squared_distances(rows[:, s], rows[:, s]) for s in slices])
        self.Y, self.inverse_repeats = Y, 1 / repeats
        medians = [FEATURE_WEIGHTS.get(name, _PRIOR_WEIGHT) for name in names]
        self.prior_mean = np.log([*medians, _PRIOR_AMPLITUDE, _PRIOR_NOISE])
        self.prior_sd = np.array(
            [*(_WEIGHT_SDS.get(name, _WEIGHT_SD) for name in names), _OTHER_SD, _OTHER_SD]
        )

    def maximise(self) -> Hyperparameters:
        """Return the mode of the posterior, by L-BFGS from the prior's."""
        from scipy.optimize import minimize

        found = minimize(
            self,
            self.prior_mean,
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": _ITERATIONS},
        )
        return Hyperparameters.of(found.x)

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Return the objective and its gradient (Rasmussen & Williams, equations 5.8 and 5.9)."""
        at, n = Hyperparameters.of(theta), len(self.Y)
        squared = np.tensordot(at.weights, self.distances, axes=1)
        r = np.sqrt(3 * squared + 1e-8)
        decay = np.exp(-r)
        shape = (1 + r) * decay
        K = at.amplitude * shape + 1
        K[np.diag_indices(n)] += at.noise * self.inverse_repeats + _JITTER
        found = evidence(K, self.Y)
        if found is None:
            # Worse than anything: the line search takes a shorter step.
            return 1e10, np.zeros_like(theta)
        value, inner = found
        # With D_g the squared distances, d (1 + r) exp(-r) / d w_g = -1.5 D_g exp(-r): r cancels,
        # so that equal rows divide by nothing. Times w_g, as theta is the logarithm.
        slope = (inner * decay).ravel() * (-1.5 * at.amplitude)
        gradient = np.empty_like(theta)
        gradient[:-2] = 0.5 * at.weights * (self.distances.reshape(len(at.weights), -1) @ slope)
        gradient[-2] = 0.5 * at.amplitude * np.sum(inner * shape)
        gradient[-1] = 0.5 * at.noise * np.sum(np.diag(inner) * self.inverse_repeats)
        # The likelihood is a mean over targets and the prior counts once: many targets
        # are no more evidence about one kernel than one is.
        z = (theta - self.prior_mean) / self.prior_sd
        return value + 0.5 * z @ z, gradient + z / self.prior_sd

    def noise_by_target(self, found: Hyperparameters) -> tuple[FloatArray, FloatArray]:
        """Return the noise of each target that suits it best, given the shared kernel, ``(m,)``.

        First among the shared noise times powers of two, so that targets fall together; then where
        a parabola through the evidence of three of these is lowest.
        """
        m = self.Y.shape[1]
        if m == 1:
            return np.array([found.noise]), np.array([found.noise])
        squared = np.tensordot(found.weights, self.distances, axes=1)
        K = found.amplitude * matern(squared) + 1
        noises, losses = noise_losses(K, self.Y, self.inverse_repeats, found.noise)
        best = np.argmin(losses, axis=0)
        before, here, after = (
            np.take_along_axis(losses, np.clip(best + i, 0, len(noises) - 1)[None], axis=0)[0]
            for i in (-1, 0, 1)
        )
        bend = before - 2 * here + after
        # Vertex of the parabola through three equidistant points, in steps of a factor of two.
        shift = np.divide(before - after, 2 * bend, out=np.zeros(m), where=bend > 0)
        return noises[best], noises[best] * 2.0**shift


def suitable_noises(
    K: FloatArray, Y: FloatArray, inverse_repeats: FloatArray, noise: float
) -> FloatArray:
    """Return the noise of each target that suits it best, ``(m,)``: ``noise`` times powers of two.

    For the arguments see :func:`noise_losses`.
    """
    noises, losses = noise_losses(K, Y, inverse_repeats, noise)
    return noises[np.argmin(losses, axis=0)]


def noise_losses(
    K: FloatArray, Y: FloatArray, inverse_repeats: FloatArray, noise: float
) -> tuple[FloatArray, FloatArray]:
    """Return nine noises, ascending, and the negative log evidence of each, ``(9, m)``.

    Args:
        K: Covariance without noise, ``(n, n)``.
        Y: Scores, ``(n, m)``.
        inverse_repeats: One over how many measurements each row is the mean of, ``(n,)``.
        noise: Where the search begins.
    """
    # Rows divided by the root of their relative noise have equal noise.
    root = np.sqrt(inverse_repeats)
    # Once n^3 for all noises and targets: K + s I has the same vectors, its values plus s.
    values, vectors = np.linalg.eigh(K / np.outer(root, root))
    squares = (vectors.T @ (Y / root[:, None])) ** 2
    noises: FloatArray = np.asarray(noise * 2.0 ** np.arange(-4, 5), dtype=np.float64)
    losses = np.empty((len(noises), Y.shape[1]))
    for i, at in enumerate(noises):
        # Eigenvalues of a semidefinite matrix may be rounded below 0.
        spread = np.maximum(values, 0) + at + _JITTER
        losses[i] = 0.5 * (squares / spread[:, None]).sum(axis=0) + 0.5 * np.log(spread).sum()
        losses[i] += 0.5 * (np.log(at / _PRIOR_NOISE) / _OTHER_SD) ** 2
    return noises, losses

"""The kernel of cells of which something is known beforehand, and how it is found.

The kernel of :mod:`.kernel` plus ``slope * q(a) . q(b)``: a linear trend in rows q whose
coefficients are independent with variance ``slope`` (Rasmussen & Williams, "Gaussian Processes for
Machine Learning", 2006, section 2.7).
"""

from collections.abc import Sequence

import numpy as np

from ..typing import FloatArray
from .kernel import Hyperparameters, MarginalLikelihood, evidence, matern, suitable_noises

_OTHER_SD = 1.0
"""Standard deviation of the logarithms of amplitude, noise and slope beforehand."""

_JITTER = 1e-6
_ITERATIONS = 40


class TrendLikelihood:
    """Minus the logarithm of the posterior of the hyper-parameters, the slope last.

    Args:
        Z: Scaled rows, ``(n, d)``.
        trend: Rows of the trend, ``(n, t)``.
        Y: Scores less their expectation, ``(n, m)``.
        repeats: How many measurements each row is the mean of, ``(n,)``.
        names: Names of the groups.
        slices: Columns of the groups.
        medians: Amplitude, noise and slope beforehand; with a slope of 0 there is no trend.
    """

    def __init__(
        self,
        Z: np.ndarray,
        trend: np.ndarray,
        Y: FloatArray,
        repeats: FloatArray,
        names: Sequence[str],
        slices: Sequence[slice],
        medians: tuple[float, float, float],
    ) -> None:
        # Distances, and what is known of the lengthscales, are as without a trend.
        self._plain = MarginalLikelihood(Z, Y, repeats, names, slices)
        self.distances, self.Y = self._plain.distances, Y
        self.inverse_repeats = self._plain.inverse_repeats
        rows = trend.astype(np.float64)
        self.products = rows @ rows.T
        self.has_trend = medians[2] > 0
        # A slope of 0 has no logarithm: it is no hyper-parameter then.
        others = np.log(medians if self.has_trend else medians[:2])
        self.prior_mean = np.append(self._plain.prior_mean[:-2], others)
        sds = np.full(len(others), _OTHER_SD)
        self.prior_sd = np.append(self._plain.prior_sd[:-2], sds)

    def find(self) -> FloatArray:
        """Return the logarithms at the mode of the posterior; of the prior without rows."""
        from scipy.optimize import minimize

        if not len(self.Y):
            return self.prior_mean
        options = {"maxiter": _ITERATIONS}
        found: FloatArray = minimize(
            self, self.prior_mean, jac=True, method="L-BFGS-B", options=options
        ).x
        return found

    def read(self, theta: FloatArray) -> tuple[Hyperparameters, float]:
        """Return hyper-parameters and the slope."""
        if not self.has_trend:
            return Hyperparameters.of(theta), 0.0
        return Hyperparameters.of(theta[:-1]), float(np.exp(theta[-1]))

    def log_prior(self, theta: FloatArray) -> float:
        """Return the logarithm of the prior density, but for a constant."""
        z = (theta - self.prior_mean) / self.prior_sd
        return float(-0.5 * z @ z)

    def noises(self, theta: FloatArray) -> FloatArray:
        """Return the noise of each target that suits it best, given the shared kernel, ``(m,)``."""
        found, slope = self.read(theta)
        m = self.Y.shape[1]
        if m == 1 or not len(self.Y):
            return np.full(m, found.noise)
        squared = np.tensordot(found.weights, self.distances, axes=1)
        K = found.amplitude * matern(squared) + 1 + slope * self.products
        return suitable_noises(K, self.Y, self.inverse_repeats, found.noise)

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Return the objective and its gradient (Rasmussen & Williams, equations 5.8 and 5.9)."""
        at, slope = self.read(theta)
        g = len(at.weights)
        r = np.sqrt(3 * np.tensordot(at.weights, self.distances, axes=1) + 1e-8)
        decay = np.exp(-r)
        shape = (1 + r) * decay
        K = at.amplitude * shape + 1 + slope * self.products
        K[np.diag_indices(len(K))] += at.noise * self.inverse_repeats + _JITTER
        found = evidence(K, self.Y)
        if found is None:
            return 1e10, np.zeros_like(theta)
        value, inner = found
        # As in MarginalLikelihood; the half of all terms is at the end.
        pull = (inner * decay).ravel() * (-1.5 * at.amplitude)
        gradient = np.empty_like(theta)
        gradient[:g] = at.weights * (self.distances.reshape(g, -1) @ pull)
        gradient[g] = at.amplitude * np.sum(inner * shape)
        gradient[g + 1] = at.noise * np.sum(np.diag(inner) * self.inverse_repeats)
        if self.has_trend:
            gradient[-1] = slope * np.sum(inner * self.products)
        z = (theta - self.prior_mean) / self.prior_sd
        return float(value - self.log_prior(theta)), 0.5 * gradient + z / self.prior_sd

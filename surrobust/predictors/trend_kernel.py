"""The kernel of cells of which something is known beforehand, and how it is found.

The kernel of :mod:`.kernel` plus ``slope * q(a) . q(b)``: a linear trend in rows q whose
coefficients are independent with variance ``slope`` (Rasmussen & Williams, "Gaussian Processes for
Machine Learning", 2006, section 2.7).
"""

from collections.abc import Sequence

import numpy as np

from ..typing import FloatArray
from .kernel import (
    Hyperparameters,
    MarginalLikelihood,
    evidence,
    matern,
    suitable_noises,
)

_PRIOR_AMPLITUDE, _PRIOR_NOISE, _PRIOR_SLOPE = 0.3, 0.03, 0.3
"""Medians: what the trend leaves is smaller than what there is without one."""

_SLOPE_SD = 1.0
_JITTER = 1e-6
_ITERATIONS = 40


class TrendLikelihood(MarginalLikelihood):
    """Minus the logarithm of the posterior of the hyper-parameters, the slope last.

    Args:
        Z: Scaled rows, ``(n, d)``.
        trend: Rows of the trend, ``(n, t)``.
        Y: Scores less their expectation, ``(n, m)``.
        repeats: How many measurements each row is the mean of, ``(n,)``.
        names: Names of the groups.
        slices: Columns of the groups.
    """

    def __init__(
        self,
        Z: np.ndarray,
        trend: np.ndarray,
        Y: FloatArray,
        repeats: FloatArray,
        names: Sequence[str],
        slices: Sequence[slice],
    ) -> None:
        super().__init__(Z, Y, repeats, names, slices)
        rows = trend.astype(np.float64)
        self.products = rows @ rows.T
        weights = self.prior_mean[:-2]
        self.prior_mean = np.append(weights, np.log([_PRIOR_AMPLITUDE, _PRIOR_NOISE, _PRIOR_SLOPE]))
        self.prior_sd = np.append(self.prior_sd, _SLOPE_SD)

    def find(self) -> tuple[Hyperparameters, float]:
        """Return the mode of the posterior and its slope; that of the prior without rows."""
        from scipy.optimize import minimize

        at = self.prior_mean
        if len(self.Y):
            options = {"maxiter": _ITERATIONS}
            at = minimize(self, at, jac=True, method="L-BFGS-B", options=options).x
        return Hyperparameters.of(at[:-1]), float(np.exp(at[-1]))

    def noises(self, found: Hyperparameters, slope: float) -> FloatArray:
        """Return the noise of each target that suits it best, given the shared kernel, ``(m,)``."""
        m = self.Y.shape[1]
        if m == 1 or not len(self.Y):
            return np.full(m, found.noise)
        squared = np.tensordot(found.weights, self.distances, axes=1)
        K = found.amplitude * matern(squared) + 1 + slope * self.products
        return suitable_noises(K, self.Y, self.inverse_repeats, found.noise)

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Return the objective and its gradient (Rasmussen & Williams, equations 5.8 and 5.9)."""
        at, slope, n = Hyperparameters.of(theta[:-1]), np.exp(theta[-1]), len(self.Y)
        r = np.sqrt(3 * np.tensordot(at.weights, self.distances, axes=1) + 1e-8)
        decay = np.exp(-r)
        shape = (1 + r) * decay
        K = at.amplitude * shape + 1 + slope * self.products
        K[np.diag_indices(n)] += at.noise * self.inverse_repeats + _JITTER
        found = evidence(K, self.Y)
        if found is None:
            return 1e10, np.zeros_like(theta)
        value, inner = found
        pull = (inner * decay).ravel() * (-1.5 * at.amplitude)
        gradient = np.empty_like(theta)
        gradient[:-3] = at.weights * (self.distances.reshape(len(at.weights), -1) @ pull)
        gradient[-3] = at.amplitude * np.sum(inner * shape)
        gradient[-2] = at.noise * np.sum(np.diag(inner) * self.inverse_repeats)
        gradient[-1] = slope * np.sum(inner * self.products)
        z = (theta - self.prior_mean) / self.prior_sd
        return float(value + 0.5 * z @ z), 0.5 * gradient + z / self.prior_sd

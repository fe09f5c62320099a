"""How the hyper-parameters of a kernel are found: by how well they explain what was measured."""

import numpy as np

from ..typing import FloatArray
from .groups import KernelGroups
from .kernel import Hyperparameters, Kernel, Rows, squared_distances


class Likelihood:
    """Minus the logarithm of the posterior of the hyper-parameters, mean over targets.

    Up to a constant, which is the same for the same values whatever the kernel's trends.

    Args:
        kernel: Shape and beliefs.
        groups: The groups of features.
        rows: The cells.
        Y: Scores, ``(n, m)``.
        repeats: How many measurements each row is the mean of, ``(n,)``.
    """

    def __init__(
        self, kernel: Kernel, groups: KernelGroups, rows: Rows, Y: FloatArray, repeats: FloatArray
    ) -> None:
        self.kernel, self.Y, self.inverse_repeats = kernel, Y, 1 / repeats
        Z = rows.Z.astype(np.float64)
        self.distances = np.stack([squared_distances(Z[:, s], Z[:, s]) for s in groups.slices])
        trends = [trend.astype(np.float64) for trend in rows.trends]
        self.products = [trend @ trend.T for trend in trends]
        self.beliefs = kernel.beliefs(groups.names)
        self.prior_mean = np.log([belief.median for belief in self.beliefs])
        self.prior_sd = np.array([belief.sd for belief in self.beliefs])

    def maximise(self, start: FloatArray | None = None) -> tuple[FloatArray, float]:
        """Return the logarithms at the mode of the posterior, and what this is there.

        Args:
            start: Where the search begins; None: at the mode of the prior, which is the answer
                where there are no rows.
        """
        from scipy.optimize import minimize

        start = self.prior_mean if start is None else start
        if not len(self.Y):
            return start, 0.0
        found = minimize(
            self,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=[belief.bounds for belief in self.beliefs],
            options={"maxiter": self.kernel.iterations},
        )
        return np.asarray(found.x), float(found.fun)

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Return the objective and its gradient (Rasmussen & Williams, equations 5.8 and 5.9)."""
        at = self.kernel.read(theta)
        shape = self.kernel.shape
        squared = np.tensordot(at.weights, self.distances, axes=1)
        correlation, decay = shape.with_decay(squared)
        K = self._covariance(correlation, at)
        K[np.diag_indices(len(K))] += at.noise * self.inverse_repeats + self.kernel.jitter
        found = evidence(K, self.Y, is_profiled=self.kernel.amplitude is None)
        if found is None:
            # Worse than anything: the line search takes a shorter step.
            return 1e10, np.zeros_like(theta)
        value, inner = found
        # Each times its hyper-parameter, as theta is the logarithm.
        pull = (inner * decay).ravel() * (shape.steepness * at.amplitude)
        gradient = [*(at.weights * (self.distances.reshape(len(at.weights), -1) @ pull))]
        if self.kernel.amplitude is not None:
            gradient.append(at.amplitude * np.sum(inner * correlation))
        gradient.append(at.noise * np.sum(np.diag(inner) * self.inverse_repeats))
        slopes = zip(at.slopes, self.products, strict=True)
        gradient += [slope * np.sum(inner * product) for slope, product in slopes]
        # The likelihood is a mean over targets and the prior counts once: many targets
        # are no more evidence about one kernel than one is.
        z = (theta - self.prior_mean) / self.prior_sd
        return float(value - self.log_prior(theta)), 0.5 * np.array(gradient) + z / self.prior_sd

    def log_prior(self, theta: FloatArray) -> float:
        """Return the logarithm of the prior density, but for a constant."""
        z = (theta - self.prior_mean) / self.prior_sd
        return float(-0.5 * z @ z)

    def noise_by_target(self, found: Hyperparameters) -> tuple[FloatArray, FloatArray]:
        """Return the noise of each target that suits it best, given the shared kernel, ``(m,)``.

        First among the shared noise times powers of two, so that targets fall together; then where
        a parabola through the evidence of three of these is lowest.
        """
        m = self.Y.shape[1]
        if m == 1 or not len(self.Y):
            return np.full(m, found.noise), np.full(m, found.noise)
        squared = np.tensordot(found.weights, self.distances, axes=1)
        noises, losses = self._noise_losses(
            self._covariance(self.kernel.shape(squared), found), found.noise
        )
        best = np.argmin(losses, axis=0)
        before, here, after = (
            np.take_along_axis(losses, np.clip(best + i, 0, len(noises) - 1)[None], axis=0)[0]
            for i in (-1, 0, 1)
        )
        bend = before - 2 * here + after
        # Vertex of the parabola through three equidistant points, in steps of a factor of two.
        shift = np.divide(before - after, 2 * bend, out=np.zeros(m), where=bend > 0)
        return noises[best], noises[best] * 2.0**shift

    def _covariance(self, correlation: FloatArray, at: Hyperparameters) -> FloatArray:
        K: FloatArray = at.amplitude * correlation + self.kernel.level
        for slope, product in zip(at.slopes, self.products, strict=True):
            K += slope * product
        return K

    def _noise_losses(self, K: FloatArray, noise: float) -> tuple[FloatArray, FloatArray]:
        """Return nine noises, ascending, and the negative log evidence of each, ``(9, m)``.

        Args:
            K: Covariance without noise, ``(n, n)``.
            noise: Where the search begins.
        """
        # Rows divided by the root of their relative noise have equal noise.
        root = np.sqrt(self.inverse_repeats)
        # Once n^3 for all noises and targets: K + s I has the same vectors, its values plus s.
        values, vectors = np.linalg.eigh(K / np.outer(root, root))
        squares = (vectors.T @ (self.Y / root[:, None])) ** 2
        noises: FloatArray = np.asarray(noise * 2.0 ** np.arange(-4, 5), dtype=np.float64)
        losses = np.empty((len(noises), self.Y.shape[1]))
        belief = self.kernel.noise
        for i, at in enumerate(noises):
            # Eigenvalues of a semidefinite matrix may be rounded below 0.
            spread = np.maximum(values, 0) + at + self.kernel.jitter
            losses[i] = 0.5 * (squares / spread[:, None]).sum(axis=0) + 0.5 * np.log(spread).sum()
            losses[i] += 0.5 * (np.log(at / belief.median) / belief.sd) ** 2
        return noises, losses


def evidence(
    K: FloatArray, Y: FloatArray, *, is_profiled: bool = False
) -> tuple[float, FloatArray] | None:
    """Return minus the log likelihood, mean over targets, and what its gradient is made of.

    The second is ``K^-1 - alpha alpha^T / m`` with ``alpha = K^-1 Y`` (Rasmussen & Williams,
    equations 5.8 and 5.9). None where K is not positive definite.

    Args:
        K: Covariance with noise, ``(n, n)``.
        Y: Scores, ``(n, m)``.
        is_profiled: Whether each target has the mean and the amplitude, by which K is to be
            multiplied, that make it likeliest; alpha is then of what is left over the root of it.
    """
    from scipy.linalg import lapack

    # LAPACK itself: the factor gives the inverse in place (dpotri, lower half only), which the
    # gradient needs whole; solving for n unit vectors takes three times the operations.
    factor, failed = lapack.dpotrf(K, lower=1, clean=1)
    if failed:
        return None
    inverse = lapack.dpotri(factor, lower=1)[0]
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    half_log_det = np.log(np.diag(factor)).sum()
    n, m = Y.shape
    if not is_profiled:
        alpha = inverse @ Y
        return 0.5 * np.sum(Y * alpha) / m + half_log_det, inverse - alpha @ alpha.T / m
    left = Y - likeliest_mean(inverse.sum(axis=1), Y)
    alpha = inverse @ left
    amplitude = (left * alpha).sum(axis=0) / n
    # -log p with the amplitude at its maximum: what is left of r' K^-1 r / a is a constant. Mean
    # and amplitude are at their optimum, so that their own change adds nothing to the gradient.
    alpha /= np.sqrt(amplitude)
    value = 0.5 * n * np.log(amplitude).sum() / m + half_log_det
    return value, inverse - alpha @ alpha.T / m


def likeliest_mean(ones: FloatArray, Y: FloatArray) -> FloatArray:
    """Return the mean of each target by generalised least squares, ``(m,)``.

    Args:
        ones: The inverse covariance times ones, ``(n,)``.
        Y: Scores, ``(n, m)``.
    """
    mean: FloatArray = ones @ Y / ones.sum()
    return mean

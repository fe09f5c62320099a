"""The Gaussian process: a kernel and groups of features, fitted to measured cells.

Rasmussen & Williams, "Gaussian Processes for Machine Learning" (2006), chapters 2, 4 and 5.
"""

from dataclasses import astuple, dataclass

import numpy as np

from .._parts import LARGEST_VALUE, tensor
from .._random import draw_rows
from ..errors import InvalidModelError
from ..typing import FloatArray
from .groups import KernelGroups
from .kernel import Covariance, Hyperparameters, Kernel, Rows
from .likelihood import Likelihood, likeliest_mean
from .spread import Sight, Spread

# 1024 cells beside 6466 rows are 53 MB of float64.
_CHUNK = 1024
"""Cells that are predicted at once."""


@dataclass(frozen=True)
class Posterior:
    """What a process knows once it was fitted, besides its n rows.

    Args:
        found: The hyper-parameters.
        spread: How the variance follows.
        mean: Of each of m targets, ``(m,)``; 0 where the kernel has a level instead.
        scale: Of each target, by which variances are multiplied, ``(m,)``; 1 likewise.
        alpha: Weights of the rows, ``(n, m)``.
        noise: Variance of the noise that the rows were taken to have, ``(m,)``.
        measured_noise: The same without rounding it so that targets share factors, ``(m,)``.
    """

    found: Hyperparameters
    spread: Spread
    mean: FloatArray = tensor("float64", "m")
    scale: FloatArray = tensor("float64", "m", most=LARGEST_VALUE)
    alpha: FloatArray = tensor("float64", "n m")
    noise: FloatArray = tensor("float64", "m")
    measured_noise: FloatArray = tensor("float64", "m")

    def check(self) -> None:
        """Refuse what is no posterior.

        Raises:
            InvalidModelError: If variances or weights are negative.
        """
        found = self.found
        positive = (found.weights, found.slopes, self.scale, self.noise, self.measured_noise)
        is_sound = all((array >= 0).all() for array in positive)
        if not is_sound or found.amplitude <= 0 or found.noise < 0:
            msg = "weights: expected a kernel with variances of at least 0, got another"
            raise InvalidModelError(msg)


class Process:
    """A Gaussian process with a kernel on groups of features.

    Many targets share the kernel; each has its own noise. Hyper-parameters are at the mode of
    their posterior.

    Args:
        kernel: Its shape and what is believed of it.
        groups: What it compares.
        rows_for_kernel: Rows that the hyper-parameters are fitted to, drawn if there are more.
        rows_for_std: Rows behind the standard deviation.
        nearest: How many others, nearest to a cell, count for its standard deviation.
        precision: Of that: ``float32``, or ``float64`` in a process that is not saved.
    """

    def __init__(
        self,
        kernel: Kernel,
        groups: KernelGroups,
        *,
        # Each step of the search for hyper-parameters costs n^3. A whitener of 500 rows is 1 MB
        # of float32 in a saved predictor, one of all 6466 would be 167.
        rows_for_kernel: int = 500,
        rows_for_std: int = 500,
        nearest: int = 0,
        precision: str = "float32",
    ) -> None:
        self.kernel, self.groups = kernel, groups
        self.rows_for_kernel, self.rows_for_std = rows_for_kernel, rows_for_std
        self.nearest, self.precision = nearest, precision

    def fit(
        self, rows: Rows, Y: FloatArray, repeats: FloatArray, rng: np.random.Generator
    ) -> tuple[Posterior, FloatArray]:
        """Learn from n cells; return the posterior and the log evidence of each target, ``(m,)``.

        The evidence is that at the mode of the hyper-parameters, without the volume around it.

        Args:
            rows: The cells.
            Y: Scores, ``(n, m)``.
            repeats: How many measurements each row is the mean of, ``(n,)``.
            rng: Draws rows, if there are many.
        """
        # Drawn, not the first: rows are in the order of the cells' indices.
        chosen = draw_rows(len(rows), self.rows_for_kernel, rng)
        likelihood = Likelihood(self.kernel, self.groups, rows[chosen], Y[chosen], repeats[chosen])
        theta, _ = likelihood.maximise()
        found = self.kernel.read(theta)
        noises = likelihood.noise_by_target(found)
        posterior, log_likelihood = self.condition(found, noises, rows, Y, repeats, rng)
        return posterior, likelihood.log_prior(theta) + log_likelihood

    def condition(
        self,
        found: Hyperparameters,
        noises: tuple[FloatArray, FloatArray],
        rows: Rows,
        Y: FloatArray,
        repeats: FloatArray,
        rng: np.random.Generator,
    ) -> tuple[Posterior, FloatArray]:
        """Compute what predictions need, and the log likelihood of each target, ``(m,)``.

        Rasmussen & Williams, algorithm 2.1.

        Args:
            found: Hyper-parameters.
            noises: Variance of the noise of each target, shared by as many as may be, and exact.
            rows: The cells.
            Y: Scores, ``(n, m)``.
            repeats: How many measurements each row is the mean of, ``(n,)``.
            rng: Draws rows, if there are many.
        """
        from scipy.linalg import cho_factor, cho_solve

        noise, measured = noises
        K = self.covariance(found)(rows, rows)
        diagonal = np.diag_indices(len(K))
        n, m = Y.shape
        mean, scale, alpha, fit = np.zeros(m), np.ones(m), np.empty_like(Y), np.zeros(m)
        # These noises are powers of two apart, so many targets share one factor of
        # n^3; the refined ones are for intervals alone.
        for each in np.unique(noise) if n else ():
            mine = noise == each
            noisy = K.copy()
            noisy[diagonal] += each / repeats + self.kernel.jitter
            factor = cho_factor(noisy, lower=True, overwrite_a=True)
            if self.kernel.amplitude is None:
                ones = cho_solve(factor, np.ones(n))
                mean[mine] = likeliest_mean(ones, Y[:, mine])
            left = Y[:, mine] - mean[mine]
            alpha[:, mine] = cho_solve(factor, left)
            squares = (left * alpha[:, mine]).sum(axis=0)
            if self.kernel.amplitude is None:
                scale[mine] = squares / n
            fit[mine] = -0.5 * squares - np.log(np.diag(factor[0])).sum()
        anchors = draw_rows(n, self.rows_for_std, rng)
        # One whitener and one deviation for all targets: the median noise stands for theirs.
        each = np.median(noise) / repeats + self.kernel.jitter
        spread = Spread.of(K, each, anchors, nearest=self.nearest, dtype=self.precision)
        return Posterior(found, spread, mean, scale, alpha, noise, measured), fit

    def moments(
        self, posterior: Posterior, known: Rows, rows: Rows
    ) -> tuple[FloatArray, FloatArray]:
        """Return scores of b cells and their variances, both ``(b, m)``.

        Args:
            posterior: What :meth:`fit` gave.
            known: The rows it was fitted to.
            rows: The cells.
        """
        covariance, spread = self.covariance(posterior.found), posterior.spread
        mean = np.empty((len(rows), posterior.alpha.shape[1]))
        sights: list[Sight] = []
        for start in range(0, len(rows), _CHUNK):
            part = slice(start, start + _CHUNK)
            K = covariance(rows[part], known)
            mean[part] = posterior.mean + K @ posterior.alpha
            sights.append(spread.see(K))
        before = covariance.diagonal(rows)
        if sights:
            parts = (np.concatenate(part) for part in zip(*map(astuple, sights), strict=True))
            explained = spread.explained(Sight(*parts), known, covariance)
            # The whitener may be float32: at a cell of its own the difference may be below 0.
            before = np.maximum(before - explained, 1e-9 * before)
        return mean, before[:, None] * posterior.scale

    def check(self, posterior: Posterior) -> None:
        """Refuse a posterior of other groups or trends.

        Raises:
            InvalidModelError: If it is such.
        """
        got = len(posterior.found.weights), len(posterior.found.slopes)
        wanted = len(self.groups.names), len(self.kernel.slopes)
        if got != wanted:
            msg = f"weights: expected {wanted} groups and trends of a kernel, got {got}"
            raise InvalidModelError(msg)

    def covariance(self, found: Hyperparameters) -> Covariance:
        """Return the kernel with its hyper-parameters."""
        return Covariance(self.kernel, found, self.groups.slices)

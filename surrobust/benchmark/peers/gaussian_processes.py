"""Gaussian processes of others, over cells as they describe them."""

import warnings
from functools import cache
from typing import Any, ClassVar

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize_scalar

from ...encodings.paths import PATH_EDGES
from ...searches.acquisition import expected_improvement
from ...typing import FloatArray, IntArray
from .open_cells import AbstractOpenCellsPeer, all_operations
from .weisfeiler_lehman import label_counts, label_lengths


class BoTorch(AbstractOpenCellsPeer):
    """``MixedSingleTaskGP`` on six categorical edges with ``LogExpectedImprovement``.

    Balandat et al., "BoTorch: A Framework for Efficient Monte-Carlo Bayesian Optimization"
    (NeurIPS 2020): with categorical dimensions alone the kernel is their Hamming-type one with a
    lengthscale for each edge, fitted with its own priors to standardised values; the logarithm of
    the improvement is that of Ament et al. (NeurIPS 2023).
    """

    libraries: ClassVar = {"botorch": 'pip install "surrobust[peers]"'}

    def _score(self, rows: IntArray, values: FloatArray) -> FloatArray:
        import torch
        from botorch.acquisition import LogExpectedImprovement
        from botorch.fit import fit_gpytorch_mll
        from botorch.models import MixedSingleTaskGP
        from botorch.models.transforms import Standardize
        from gpytorch.mlls import ExactMarginalLogLikelihood

        cells = torch.as_tensor(all_operations(), dtype=torch.double)
        told = torch.as_tensor(values, dtype=torch.double)[:, None]
        edges = list(range(cells.shape[1]))
        with warnings.catch_warnings():  # it warns of inputs that are not in [0, 1]
            warnings.simplefilter("ignore")
            model = MixedSingleTaskGP(
                cells[rows], told, cat_dims=edges, outcome_transform=Standardize(m=1)
            )
            fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
            with torch.no_grad():
                # BoTorch takes batches of one cell: (15625, 1, 6).
                scores = LogExpectedImprovement(model, best_f=told.max())(cells[:, None, :])
        return scores.numpy()


class PathProcess(AbstractOpenCellsPeer):
    """scikit-learn's process on the path encoding, with an upper confidence bound.

    The encoding marks which of the 155 sequences of ops lie along the four ways from input to
    output (White, Neiswanger & Savani, "BANANAS", AAAI 2021); a squared exponential kernel with one
    lengthscale and noise; mean plus ``kappa`` standard deviations (Srinivas et al., ICML 2010).

    Attributes:
        kappa: Standard deviations.
    """

    # Taken beforehand: nothing is tuned for peers (experiments/search).
    kappa: ClassVar[float] = 2.0

    def _score(self, rows: IntArray, values: FloatArray) -> FloatArray:
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

        cells = path_rows()
        kernel = ConstantKernel() * RBF(2.0) + WhiteKernel(0.1)
        model: Any = GaussianProcessRegressor(kernel, normalize_y=True)
        with warnings.catch_warnings():  # of hyper-parameters at their bounds
            warnings.simplefilter("ignore")
            model.fit(cells[rows], values)
        mean, std = model.predict(cells, return_std=True)
        return mean + self.kappa * std


class WeisfeilerLehmanProcess(AbstractOpenCellsPeer):
    """NASBOWL's process: the Weisfeiler-Lehman kernel, with expected improvement.

    Ru et al., "Interpretable Neural Architecture Search via Bayesian Optimisation with
    Weisfeiler-Lehman Kernels" (ICLR 2021): counts of labelled subtrees up to a depth, normalised
    to a cosine; depth 1, 2 or 3 and the noise, at most .01, by marginal likelihood; values
    standardised, unit amplitude. Unlike the authors' code it is refitted after each measurement
    instead of after five, and scores all open cells instead of a pool of 100 mutants.
    """

    depths: ClassVar[tuple[int, ...]] = (1, 2, 3)

    def _score(self, rows: IntArray, values: FloatArray) -> FloatArray:
        told = (values - values.mean()) / (values.std() or 1.0)
        kernels = [_kernel(depth, rows) for depth in self.depths]
        # (n, 15625) to (n, n): the columns of the known cells.
        fits = [_fit_noise(kernel[:, rows], told) for kernel in kernels]
        best = int(np.argmin([loss for loss, _ in fits]))
        across, noise = kernels[best], fits[best][1]
        factor = cho_factor(across[:, rows] + noise * np.eye(len(rows)))
        mean = across.T @ cho_solve(factor, told)
        # Normalised, the kernel of a cell with itself is 1; this is the
        # variance of a measurement, at least the noise.
        variance = 1.0 + noise - (across * cho_solve(factor, across)).sum(axis=0)
        std = np.sqrt(np.maximum(variance, noise))
        return expected_improvement(mean, std, best=float(told.max()))


_NOISES = (1e-5, 1e-2)
"""The authors' bounds of the noise variance."""


def _fit_noise(kernel: FloatArray, told: FloatArray) -> tuple[float, float]:
    """Return the least surprise and the noise at which it is."""

    def loss(logarithm: float) -> float:
        return surprise(kernel, told, float(np.exp(logarithm)))

    bounds = (float(np.log(_NOISES[0])), float(np.log(_NOISES[1])))
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 0.05})
    return float(found.fun), float(np.exp(found.x))


def surprise(kernel: FloatArray, values: FloatArray, noise: float) -> float:
    """Return minus the logarithm of the marginal likelihood, less a constant.

    Args:
        kernel: Of the known cells, ``(n, n)``.
        values: Standardised, ``(n,)``.
        noise: Its variance.
    """
    factor = cho_factor(kernel + noise * np.eye(len(values)), lower=True)
    # Rasmussen & Williams, equation 2.30, without n / 2 log(2 pi).
    halves = values @ cho_solve(factor, values) / 2
    return float(halves + np.log(np.diag(factor[0])).sum())


def _kernel(depth: int, rows: IntArray) -> FloatArray:
    """Return the normalised kernel of some cells with all, ``(n, 15625)``."""
    counts, lengths = label_counts(depth), label_lengths(depth)
    products = (counts[rows] @ counts.T).toarray()
    return products / lengths[rows][:, None] / lengths[None, :]


@cache
def path_rows() -> FloatArray:
    """Return the path encoding of all cells, ``(15625, 155)``: 5 + 25 + 125 sequences."""
    ops = all_operations()
    rows = np.zeros((len(ops), 155))
    every = np.arange(len(ops))
    for way in PATH_EDGES:
        # Sequences of shorter ways stand first: 5 of one op, then 25, then 125.
        before = sum(5**length for length in range(1, len(way)))
        # A way's ops as digits to base five, the first the lowest.
        rows[every, before + ops[:, way] @ 5 ** np.arange(len(way))] = 1.0
    return rows

"""A Gaussian process on what cells compute."""

from collections.abc import Hashable, Sequence
from dataclasses import astuple

import numpy as np

from .._checks import check_integer
from .._random import as_generator, draw_rows
from .._tensors import pack_tensors, take_tensor, unpack_tensors
from ..encodings import Columns
from ..encodings.joined import Features
from ..errors import InvalidModelError
from ..processes.groups import KernelGroups
from ..processes.kernel import Hyperparameters, MarginalLikelihood, covariance
from ..processes.scores import SCORES_FILE, ScoreMap
from ..processes.spread import Sight, Spread
from ..spaces import Architecture
from ..typing import FloatArray
from .base import AbstractPredictor

PROCESS_FILE = "process.safetensors"
_JITTER = 1e-6
_NEAREST = 8
"""Rows besides the anchors that count for the standard deviation of a cell."""


class GaussianProcess(AbstractPredictor):
    """Rasmussen & Williams, "Gaussian Processes for Machine Learning" (2006), chapters 2, 4 and 5.

    Features in groups, one lengthscale per group, hyper-parameters at the mode of their posterior.
    Many targets share the kernel; each has its own noise. Cells that the encoder cannot tell apart
    become one row whose noise is divided by their number.

    Args:
        encoder: Names in ``ENCODINGS`` joined by ``+``.
        transform: Name in ``TRANSFORMS``: what is regressed on.
        rows_for_kernel: Rows that the hyper-parameters are fitted to, drawn if there are more.
        rows_for_std: Rows behind the standard deviation. Where there are more, it is that of the
            posterior given this many of them and each cell's nearest others, an upper bound.
        columns: Numbers known of cells beforehand, a group of the kernel for each source; or None.
        calibration_folds: See :class:`AbstractPredictor`.
        seed: See :class:`AbstractPredictor`.
    """

    kind = "gp"

    def __init__(
        self,
        *,
        encoder: str = "features",
        transform: str = "scores",
        rows_for_kernel: int = 500,
        rows_for_std: int = 500,
        columns: Columns | None = None,
        calibration_folds: int = 5,
        seed: int = 0,
    ) -> None:
        super().__init__(calibration_folds=calibration_folds, seed=seed)
        self.encoder = encoder
        self.transform = transform
        self.rows_for_kernel = check_integer("rows_for_kernel", rows_for_kernel, minimum=2)
        self.rows_for_std = check_integer("rows_for_std", rows_for_std, minimum=2)
        self.columns = columns
        self._features = Features(encoder, columns)

    def _key(self, cell: Architecture) -> Hashable:
        return self._features.key(cell)

    def _fit(self, cells: Sequence[Architecture], Y: FloatArray) -> None:
        self.groups_ = KernelGroups.of(self.encoder, self.columns)
        self.map_, scores = ScoreMap.fit(Y, transform=self.transform)
        firsts, means, repeats = self._features.merge(cells, scores)
        self.Z_ = self._rows(firsts)
        rng = as_generator(self.seed)
        chosen = draw_rows(len(firsts), self.rows_for_kernel, rng)
        likelihood = MarginalLikelihood(
            self.Z_[chosen], means[chosen], repeats[chosen], self.groups_.names, self.groups_.slices
        )
        self.kernel_ = likelihood.maximise()
        self.noise_, self.measured_noise_ = likelihood.noise_by_target(self.kernel_)
        self._condition(means, repeats, rng)

    def _condition(self, scores: FloatArray, repeats: FloatArray, rng: np.random.Generator) -> None:
        """Compute what predictions need (Rasmussen & Williams, algorithm 2.1)."""
        from scipy.linalg import cho_factor, cho_solve, solve_triangular

        K = self._covariance(self.Z_, self.Z_)
        diagonal = np.diag_indices(len(K))
        self.alpha_ = np.empty_like(scores)
        for noise in np.unique(self.noise_):
            mine = self.noise_ == noise
            noisy = K.copy()
            noisy[diagonal] += noise / repeats + _JITTER
            factor = cho_factor(noisy, lower=True, overwrite_a=True)
            self.alpha_[:, mine] = cho_solve(factor, scores[:, mine])
        anchors = draw_rows(len(K), self.rows_for_std, rng)
        each = np.median(self.noise_) / repeats + _JITTER
        noisy = K[np.ix_(anchors, anchors)]
        noisy[np.diag_indices(len(noisy))] += each[anchors]
        lower = cho_factor(noisy, lower=True, overwrite_a=True)[0]
        whiten = solve_triangular(lower, np.eye(len(lower)), lower=True)
        # In the order of memory that loading gives, so that both predict the same to the last bit.
        whiten = np.ascontiguousarray(whiten, dtype=np.float32)
        self.spread_ = Spread(anchors, whiten, each, _NEAREST)

    def _covariance(self, a: np.ndarray, b: np.ndarray) -> FloatArray:
        return covariance(a, b, self.groups_.slices, self.kernel_)

    def _predict(self, cells: Sequence[Architecture]) -> tuple[FloatArray, FloatArray]:
        mean, std = self._posterior(self._rows(cells))
        return self.map_.moments(mean, np.broadcast_to(std[:, None], mean.shape))

    def _predict_measured(self, cells: Sequence[Architecture]) -> tuple[FloatArray, FloatArray]:
        mean, std = self._posterior(self._rows(cells))
        return self.map_.moments(mean, np.sqrt(std[:, None] ** 2 + self.measured_noise_))

    def _rows(self, cells: Sequence[Architecture]) -> np.ndarray:
        """Return what the kernel compares, one row per cell, float32."""
        return self.groups_.transform(self._features.encode(cells))

    def _posterior(self, Z: np.ndarray) -> tuple[FloatArray, FloatArray]:
        """Return scores ``(n, m)`` and their standard deviations ``(n,)``."""
        mean = np.empty((len(Z), self.alpha_.shape[1]))
        sights: list[Sight] = []
        for start in range(0, len(Z), 1024):
            rows = slice(start, start + 1024)
            K = self._covariance(Z[rows], self.Z_)
            mean[rows] = K @ self.alpha_
            sights.append(self.spread_.see(K))
        parts = (np.concatenate(part) for part in zip(*map(astuple, sights), strict=True))
        explained = self.spread_.explained(
            Sight(*parts), self.Z_, self.groups_.slices, self.kernel_
        )
        prior = self.kernel_.amplitude + 1
        return mean, np.sqrt(np.maximum(prior - explained, 1e-9 * prior))

    def _weights(self) -> dict[str, bytes]:
        tensors = {
            "center": self.groups_.center,
            "scale": self.groups_.scale,
            "weights": self.kernel_.weights,
            "variances": np.array([self.kernel_.amplitude, self.kernel_.noise]),
            "rows": self.Z_,
            "alpha": self.alpha_,
            "noise": self.noise_,
            "measured_noise": self.measured_noise_,
            **self.spread_.tensors(),
        }
        return {PROCESS_FILE: pack_tensors(tensors), SCORES_FILE: self.map_.pack()}

    def _load_weights(self, files: dict[str, bytes], n_targets: int) -> None:
        if set(files) != {PROCESS_FILE, SCORES_FILE}:
            msg = f"weights: expected {PROCESS_FILE} and {SCORES_FILE}, got {', '.join(files)}"
            raise InvalidModelError(msg)
        self.map_ = ScoreMap.unpack(files[SCORES_FILE], n_targets)
        tensors = unpack_tensors(files[PROCESS_FILE], name=PROCESS_FILE)
        self.groups_ = KernelGroups.take(tensors, self.encoder, self.columns)
        n_groups = len(self.groups_.names)
        weights = take_tensor(tensors, "weights", dtype="float64", shape=(n_groups,))
        amplitude, noise = take_tensor(tensors, "variances", dtype="float64", shape=(2,))
        self.kernel_ = Hyperparameters(weights, float(amplitude), float(noise))
        self.Z_ = self.groups_.take_rows(tensors)
        n = len(self.Z_)
        self.alpha_ = take_tensor(tensors, "alpha", dtype="float64", shape=(n, n_targets))
        self.noise_ = take_tensor(tensors, "noise", dtype="float64", shape=(n_targets,))
        self.spread_ = Spread.take(tensors, n)
        # Intervals of older folders were calibrated without noise.
        self.measured_noise_ = np.zeros(n_targets)
        if {"measured_noise", "row_noise"} & tensors.keys():
            self.measured_noise_ = take_tensor(
                tensors, "measured_noise", dtype="float64", shape=(n_targets,)
            )
        if (weights < 0).any() or amplitude <= 0 or (self.measured_noise_ < 0).any():
            msg = f"{PROCESS_FILE}: expected a kernel, got other numbers"
            raise InvalidModelError(msg)

"""A Gaussian process that knows other targets: for a new attack or image set, measured little."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .._checks import brief
from .._random import as_generator
from ..encodings import Columns
from ..errors import InvalidInputError, InvalidModelError
from ..spaces import Architecture
from ..typing import FloatArray
from .alikeness import weights_of_alike
from .base import AbstractPredictor
from .gaussian_process import GaussianProcess, _draw
from .kernel import covariance
from .kernel_groups import KernelGroups
from .prior_scores import FILE as PRIOR_FILE
from .prior_scores import PriorScores
from .score_map import ScoreMap
from .tensors import pack_tensors, take_tensor, unpack_tensors
from .trend_kernel import TrendLikelihood

FILE = "trend.safetensors"

_SHARE = 0.7
"""How much of a spread of one is expected of the prior before anything was measured."""


class InformedProcess(GaussianProcess):
    """A Gaussian process whose mean is linear in the scores of other targets.

    Bayesian linear regression on a prior's scores (Rasmussen & Williams, "Gaussian Processes for
    Machine Learning", 2006, section 2.7) around an expectation, the mean of the targets that are
    alike by name (:func:`weights_of_alike`; give ``fit`` the names of yours). What it leaves is
    learnt as by :class:`GaussianProcess`; the variances of both come from the measured cells, so
    that a prior which misleads loses its say. The expectation is one more column of the trend.

    Fitted to no cell, it predicts the expectation: an order, in units of no meaning. With one cell
    the level is known, not the spread.

    Args:
        prior: Scores, or what a card refers to them by; then only loading makes it whole.
        encoder: Names in ``ENCODINGS`` joined by ``+``.
        columns: See :class:`GaussianProcess`.
        calibration_folds: See :class:`AbstractPredictor`.
        seed: See :class:`AbstractPredictor`.
    """

    kind = "informed"

    _least_cells = 0

    def __init__(
        self,
        *,
        prior: Any,
        encoder: str = "features",
        columns: Columns | None = None,
        calibration_folds: int = 5,
        seed: int = 0,
    ) -> None:
        super().__init__(
            encoder=encoder, columns=columns, calibration_folds=calibration_folds, seed=seed
        )
        self.prior = as_prior(prior)

    @property
    def options(self) -> dict[str, Any]:
        """The constructor's arguments, the prior by its name and checksum."""
        return {**super().options, "prior": reference_of(self.prior)}

    def _fit(self, cells: Sequence[Architecture], Y: FloatArray) -> None:
        prior = self._prior_scores()
        self.groups_ = KernelGroups.of(self.encoder, self.columns)
        self.map_, scores = _scores(Y)
        weights = np.stack([weights_of_alike(name, prior.targets) for name in self._names])
        self._expect(prior, weights)
        firsts, means, repeats = self._merge(cells, scores) if cells else ([], scores, np.empty(0))
        self.Z_ = self._rows(firsts) if firsts else np.empty((0, self._width()), np.float32)
        means = means - self._expected(firsts)
        rng = as_generator(self.seed)
        chosen = _draw(len(firsts), self.rows_for_kernel, rng)
        Z, d = self.Z_[chosen], self._width() - self._columns_beyond()
        names, slices = self.groups_.names, self.groups_.slices
        likelihood = TrendLikelihood(
            Z[:, :d], Z[:, d:], means[chosen], repeats[chosen], names, slices
        )
        self.kernel_, self.slope_ = likelihood.find()
        self.noise_ = likelihood.noises(self.kernel_, self.slope_)
        if firsts:
            self._condition(means, repeats, rng)
        else:
            self.alpha_, self.anchors_ = scores, np.empty(0, dtype=np.int64)
            self.whiten_ = np.empty((0, 0), dtype=np.float32)

    def _expect(self, prior: PriorScores, weights: FloatArray) -> None:
        """Decide what is expected of each target and how large its trend's columns are.

        Args:
            prior: Scores of t targets.
            weights: What each says about each of m targets, ``(m, t)``.
        """
        table = prior.scores.astype(np.float64)
        size = np.sqrt((table**2).sum(axis=1).mean())
        each = table @ weights.T
        spread = each.std(axis=0)
        # Where targets cancel out nothing is expected.
        slopes = _SHARE * weights / np.where(spread > 1e-6, spread, np.inf)[:, None]
        self.slopes_, self.levels_ = slopes, (table @ slopes.T).mean(axis=0)
        self.size_ = float(size)

    def _expected(self, cells: Sequence[Architecture]) -> FloatArray:
        """Return the expected scores, ``(n, m)``."""
        return self._prior_scores().rows(cells) @ self.slopes_.T - self.levels_

    def _rows(self, cells: Sequence[Architecture]) -> np.ndarray:
        known = self._prior_scores().rows(cells)
        together = (known @ self.slopes_.T - self.levels_).mean(axis=1, keepdims=True) / _SHARE
        trend = np.concatenate([known / self.size_, together], axis=1)
        return np.concatenate([super()._rows(cells), trend.astype(np.float32)], axis=1)

    def _columns_beyond(self) -> int:
        return len(self._prior_scores().targets) + 1

    def _width(self) -> int:
        return len(self.groups_.center) + self._columns_beyond()

    def _covariance(self, a: np.ndarray, b: np.ndarray) -> FloatArray:
        p, q = (z[:, -self._columns_beyond() :].astype(np.float64) for z in (a, b))
        return covariance(a, b, self.groups_.slices, self.kernel_) + self.slope_ * p @ q.T

    def _prior_variance(self, Z: np.ndarray) -> FloatArray:
        trend = Z[:, -self._columns_beyond() :].astype(np.float64)
        variance: FloatArray = self.kernel_.amplitude + 1 + self.slope_ * (trend**2).sum(axis=1)
        return variance

    def _predict(self, cells: Sequence[Architecture]) -> tuple[FloatArray, FloatArray]:
        mean, std = self._posterior(self._rows(cells))
        mean = mean + self._expected(cells)
        return self.map_.moments(mean, np.broadcast_to(std[:, None], mean.shape))

    def _prior_scores(self) -> PriorScores:
        if isinstance(self.prior, PriorScores):
            return self.prior
        msg = f"prior: expected a fitted predictor, got only the name of {self.prior['name']}"
        raise InvalidInputError(msg)

    def _weights(self) -> dict[str, bytes]:
        trend = {
            "slopes": self.slopes_,
            "levels": self.levels_,
            "scales": np.array([self.size_, self.slope_]),
        }
        files = {FILE: pack_tensors(trend), PRIOR_FILE: self._prior_scores().pack()}
        return {**super()._weights(), **files}

    def _load_weights(self, files: dict[str, bytes], n_targets: int) -> None:
        rest = dict(files)
        self.prior = PriorScores.unpack(rest.pop(PRIOR_FILE, b""), reference_of(self.prior))
        tensors = unpack_tensors(rest.pop(FILE, b""), name=FILE)
        shape = (n_targets, len(self.prior.targets))
        self.slopes_ = take_tensor(tensors, "slopes", dtype="float64", shape=shape)
        self.levels_ = take_tensor(tensors, "levels", dtype="float64", shape=(n_targets,))
        size, slope = take_tensor(tensors, "scales", dtype="float64", shape=(2,))
        if size <= 0 or slope <= 0:
            msg = f"{FILE}: expected positive scales, got others"
            raise InvalidModelError(msg)
        self.size_, self.slope_ = float(size), float(slope)
        super()._load_weights(rest, n_targets)


def as_prior(prior: Any) -> PriorScores | dict[str, str]:
    """Return a prior's scores, from a fitted predictor or as they are; or a card's reference.

    Raises:
        InvalidInputError: If it is none of these.
        NotFittedError: If the predictor was not fitted.
    """
    if isinstance(prior, PriorScores):
        return prior
    if isinstance(prior, AbstractPredictor):
        return PriorScores.of(prior)
    is_reference = isinstance(prior, Mapping) and set(prior) == {"name", "sha256"}
    if is_reference and all(isinstance(value, str) for value in prior.values()):
        return dict(prior)
    msg = f"prior: expected a fitted predictor or PriorScores, got {brief(prior)}"
    raise InvalidInputError(msg)


def reference_of(prior: PriorScores | Mapping[str, str]) -> dict[str, str]:
    """Return the name and checksum of scores, or of what they are referred to by."""
    return prior.reference if isinstance(prior, PriorScores) else dict(prior)


def _scores(Y: FloatArray) -> tuple[ScoreMap, FloatArray]:
    """Return the map of values ``(n, m)`` and their scores; fewer than 2 have no spread."""
    if len(Y) > 1:
        return ScoreMap.fit(Y, transform="scores")
    level = Y.sum(axis=0)
    ends = np.tile([[-1.0], [1.0]], (1, Y.shape[1]))
    return ScoreMap(ends, level + ends, np.ones(Y.shape[1])), np.zeros_like(Y)

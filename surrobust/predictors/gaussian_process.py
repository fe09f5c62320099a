"""A Gaussian process on what cells compute."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from .._checks import check_choice, check_integer
from .._parts import tensor
from .._random import as_generator
from ..encodings import Columns
from ..encodings.joined import Features
from ..errors import InvalidModelError
from ..processes.groups import KernelGroups, Scales
from ..processes.kernel import LEARNT, PREDICTING, Rows
from ..processes.metric import METRICS, load_metric
from ..processes.process import Posterior, Process
from ..processes.scores import ScoreMap
from ..spaces import Architecture
from ..typing import FloatArray
from .base import AbstractPredictor
from .estimator.recall import Moments

# The mean deviation on a design split was .0140, .0138, .0136 with 4, 8, 16 and .0133 with
# all rows; 16 take twice as long (experiments/intervals).
_NEAREST = 8
"""Rows besides the anchors that count for the standard deviation of a cell."""


@dataclass(frozen=True)
class FittedProcess:
    """A fitted :class:`GaussianProcess`.

    Args:
        map: From values to the scores that are regressed on.
        scales: Of the features.
        posterior: Of the process.
        rows: What the kernel compares, one row for each of n cells that differ, ``(n, d)``.
    """

    map: ScoreMap
    scales: Scales
    posterior: Posterior
    # A saved process keeps its rows: float32 halves them, and is 1e-7 of distances of order one.
    rows: np.ndarray = tensor("float32", "n _wide")

    def check(self) -> None:
        """Refuse rows that are not of the scaled features.

        Raises:
            InvalidModelError: If they are others.
        """
        if self.rows.shape[1] != (wide := sum(self.scales.directions.shape)):
            msg = f"weights: expected rows of {wide} numbers, got {self.rows.shape[1]}"
            raise InvalidModelError(msg)


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
        metric: Name in ``METRICS``: what the distances of cells by their features were learnt from.
        columns: Numbers known of cells beforehand, a group of the kernel for each source; or None.
        calibration_folds: See :class:`AbstractPredictor`.
        seed: See :class:`AbstractPredictor`.
    """

    kind = "gp"
    Fitted = FittedProcess
    fitted_: FittedProcess

    def __init__(
        self,
        *,
        encoder: str = "features",
        transform: str = "scores",
        rows_for_kernel: int = 500,
        rows_for_std: int = 500,
        metric: str = "all",
        columns: Columns | None = None,
        calibration_folds: int = 5,
        seed: int = 0,
    ) -> None:
        super().__init__(calibration_folds=calibration_folds, seed=seed)
        self.encoder = encoder
        self.transform = transform
        self.rows_for_kernel = check_integer("rows_for_kernel", rows_for_kernel, minimum=2)
        self.rows_for_std = check_integer("rows_for_std", rows_for_std, minimum=2)
        self.metric = check_choice("metric", metric, METRICS)
        self.columns = columns
        self._features = Features(encoder, columns)
        self._shared: Posterior | None = None

    def _key(self, cell: Architecture) -> Hashable:
        return self._features.key(cell)

    def _fit(self, cells: Sequence[Architecture], Y: FloatArray) -> None:
        score_map, scores = ScoreMap.fit(Y, transform=self.transform)
        # Equal rows would make K singular but for its noise; the mean of k has a k-th of it.
        firsts, means, repeats = self._features.merge(cells, scores)
        groups = KernelGroups(self._features, metric=load_metric(self.metric))
        rows = groups.encode(firsts).astype(np.float32)
        process, rng = self._process(groups), as_generator(self.seed)
        if self._shared is None:
            posterior, _ = process.fit(Rows(rows), means, repeats, rng)
        else:
            found = self._shared.found
            noises = self._shared.noise, self._shared.measured_noise
            posterior, _ = process.condition(found, noises, Rows(rows), means, repeats, rng)
        self.fitted_ = FittedProcess(score_map, groups.scales, posterior, rows)

    def _for_fold(self) -> Self:
        model = super()._for_fold()
        # Of many rows a draw decides about the noise. Found anew in each fold, it would be another
        # in each, and intervals that the other folds calibrate too wide in one and too narrow in
        # the next (experiments/shipped); a few numbers tell nothing of one cell among so many.
        if len(self.fitted_.rows) > self.rows_for_kernel:
            model._shared = self.fitted_.posterior
        return model

    def _process(self, groups: KernelGroups) -> Process:
        return Process(
            PREDICTING if self.metric == "none" else LEARNT,
            groups,
            rows_for_kernel=self.rows_for_kernel,
            rows_for_std=self.rows_for_std,
            nearest=_NEAREST,
        )

    def _predict(self, cells: Sequence[Architecture]) -> Moments:
        mean, variance = self._posterior(cells)
        score_map, noise = self.fitted_.map, self.fitted_.posterior.measured_noise
        _, measured = score_map.moments(mean, np.sqrt(variance + noise))
        return Moments(*score_map.moments(mean, np.sqrt(variance)), measured)

    def _sizes(self) -> Mapping[str, int]:
        return {"d": self._features.size}

    def _restored(self) -> None:
        fitted = self.fitted_
        self._process(KernelGroups(self._features, fitted.scales)).check(fitted.posterior)

    def _posterior(self, cells: Sequence[Architecture]) -> tuple[FloatArray, FloatArray]:
        """Return scores and their variances, both ``(n, m)``."""
        fitted = self.fitted_
        groups = KernelGroups(self._features, fitted.scales)
        rows = Rows(groups.encode(cells).astype(np.float32))
        return self._process(groups).moments(fitted.posterior, Rows(fitted.rows), rows)

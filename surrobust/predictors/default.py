"""The predictor to use when nothing is known: the best we have."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from .._checks import check_fraction, check_integer
from ..encodings import Columns
from ..encodings.joined import Features
from ..processes.scores import ScoreMap
from ..spaces import Architecture
from ..typing import FloatArray
from .base import AbstractPredictor
from .estimator.recall import Moments
from .gaussian_process import GaussianProcess
from .trees.boosted import BoostedTrees

# Of few cells the process alone says more (experiments/predictors, "The mixture").
_HALF_TREES = 50
"""Rows at which the trees have half of their weight."""


@dataclass(frozen=True)
class FittedDefault:
    """A fitted :class:`DefaultPredictor`.

    Args:
        map: From values to the scores that its members learn.
    """

    map: ScoreMap


class DefaultPredictor(AbstractPredictor):
    """A Gaussian process and boosted trees on what cells compute, averaged as scores.

    Values become scores (:class:`ScoreMap`); the process and the trees learn those, their weighted
    mean is taken back to values. The standard deviation is the process's.

    Where other targets are known, ``make_predictor("default", prior=...)`` is a
    :class:`PriorPredictor` instead.

    Args:
        encoder: Names in ``ENCODINGS`` joined by ``+``.
        process_weight: Weight of the process if there were many cells; the trees have the rest, 1
            leaves them out.
        trees: How many.
        metric: See :class:`GaussianProcess`.
        columns: Numbers known of cells beforehand, such as the clean accuracy; or None.
        calibration_folds: See :class:`AbstractPredictor`.
        seed: See :class:`AbstractPredictor`.
    """

    kind = "default"
    Fitted = FittedDefault
    fitted_: FittedDefault

    def __init__(
        self,
        *,
        encoder: str = "features",
        # Weight and number of trees: chosen on design targets, splits 100 to 105, out of weights of
        # trees from .05 to .6 (experiments/predictors, "The mixture").
        process_weight: float = 0.7,
        trees: int = 1000,
        metric: str = "all",
        columns: Columns | None = None,
        calibration_folds: int = 5,
        seed: int = 0,
    ) -> None:
        super().__init__(calibration_folds=calibration_folds, seed=seed)
        self.encoder = encoder
        self.process_weight = check_fraction("process_weight", process_weight)
        self.trees = check_integer("trees", trees, minimum=1)
        self.metric = metric
        self.columns = columns
        self._features = Features(encoder, columns)
        self._process = GaussianProcess(
            encoder=encoder,
            # What the members learn is scores already; standardised they stay as they are.
            transform="standard",
            metric=metric,
            columns=columns,
            calibration_folds=0,
            seed=seed,
        )
        self._trees = (
            None
            if process_weight == 1
            else BoostedTrees(
                encoder=encoder,
                transform="standard",
                # Its deviation is not asked for, so one booster is enough.
                members=1,
                trees=trees,
                columns=columns,
                calibration_folds=0,
                seed=seed,
            )
        )

    def _key(self, cell: Architecture) -> Hashable:
        return self._features.key(cell)

    @property
    def _predictors(self) -> Mapping[str, AbstractPredictor]:
        if self._trees is None:
            return {"process": self._process}
        return {"process": self._process, "trees": self._trees}

    def _fit(self, cells: Sequence[Architecture], Y: FloatArray) -> None:
        score_map, scores = ScoreMap.fit(Y, transform="scores")
        for predictor in self._predictors.values():
            predictor._fit(cells, scores)
        self.fitted_ = FittedDefault(score_map)

    def _for_fold(self) -> Self:
        model = super()._for_fold()
        model._process = self._process._for_fold()
        return model

    def _predict(self, cells: Sequence[Architecture]) -> Moments:
        mean, std, measured = self._process._predict(cells)
        if self._trees is not None:
            # Averaged as scores, where both were fitted, and taken
            # back together: the map is not linear.
            others = self._trees._predict(cells)[0]
            n = len(self._process.fitted_.rows)
            # By rows that differ: half of the trees' weight at 50, nine tenths at 450.
            share = (1 - self.process_weight) * n / (n + _HALF_TREES)
            mean = (1 - share) * mean + share * others
        score_map = self.fitted_.map
        _, measured = score_map.moments(mean, measured)
        return Moments(*score_map.moments(mean, std), measured)

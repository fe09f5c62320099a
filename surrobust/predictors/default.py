"""The predictor to use when nothing is known: the best we have."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

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
        process_weight: Weight of the process; the trees have the rest, 1 leaves them out.
        trees: How many.
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
        columns: Columns | None = None,
        calibration_folds: int = 5,
        seed: int = 0,
    ) -> None:
        super().__init__(calibration_folds=calibration_folds, seed=seed)
        self.encoder = encoder
        self.process_weight = check_fraction("process_weight", process_weight)
        self.trees = check_integer("trees", trees, minimum=1)
        self.columns = columns
        self._features = Features(encoder, columns)
        self._process = GaussianProcess(
            encoder=encoder,
            # What the members learn is scores already; standardised they stay as they are.
            transform="standard",
            columns=columns,
            calibration_folds=0,
            seed=seed,
        )
        self._trees = BoostedTrees(
            encoder=encoder,
            transform="standard",
            # Its deviation is not asked for, so one booster is enough.
            members=1,
            trees=trees,
            columns=columns,
            calibration_folds=0,
            seed=seed,
        )

    def _key(self, cell: Architecture) -> Hashable:
        return self._features.key(cell)

    @property
    def _predictors(self) -> Mapping[str, AbstractPredictor]:
        trees = {"trees": self._trees} if self.process_weight < 1 else {}
        return {"process": self._process, **trees}

    def _fit(self, cells: Sequence[Architecture], Y: FloatArray) -> None:
        score_map, scores = ScoreMap.fit(Y, transform="scores")
        for predictor in self._predictors.values():
            predictor._fit(cells, scores)
        self.fitted_ = FittedDefault(score_map)

    def _predict(self, cells: Sequence[Architecture]) -> Moments:
        mean, std, measured = self._process._predict(cells)
        if self.process_weight < 1:
            # Averaged as scores, where both were fitted, and taken
            # back together: the map is not linear.
            others = self._trees._predict(cells)[0]
            mean = self.process_weight * mean + (1 - self.process_weight) * others
        score_map = self.fitted_.map
        _, measured = score_map.moments(mean, measured)
        return Moments(*score_map.moments(mean, std), measured)

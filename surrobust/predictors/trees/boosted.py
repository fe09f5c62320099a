"""Gradient-boosted trees, by xgboost."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..._checks import check_fraction, check_integer
from ..._random import seeds_from
from ...encodings import Columns
from ...encodings.joined import Features
from ...errors import InvalidModelError
from ...processes.scores import ScoreMap
from ...spaces import Architecture
from ...typing import FloatArray
from ..base import AbstractPredictor
from ..repeats import cell_groups
from .booster_file import rebuild_booster
from .tuning import TreeParameters, as_matrix, tune, tuning_folds

if TYPE_CHECKING:
    from xgboost import Booster


@dataclass(frozen=True)
class FittedTrees:
    """What boosted trees have learnt besides the boosters.

    Args:
        params: With which they were grown.
        map: Between values and the scores that are regressed on.
    """

    params: TreeParameters
    map: ScoreMap


class BoostedTrees(AbstractPredictor):
    """Chen & Guestrin, "XGBoost: A Scalable Tree Boosting System" (KDD 2016).

    A bag of boosters that differ by seed, each on its own subsample of rows and columns; their mean
    is predicted, their spread is the standard deviation. Trees have one leaf value per target, so
    many targets cost little more than one.

    Args:
        encoder: Names in ``ENCODINGS`` joined by ``+``.
        transform: Name in ``TRANSFORMS``: what is regressed on.
        members: Boosters in the bag; a single one has no spread, its standard deviation is 0.
        trees: Trees per booster and target.
        depth: Of each tree.
        learning_rate: Shrinkage of each tree; None: 0.03, and with more than 1000 rows as much
            more as the root of their number.
        subsample: Share of rows for each tree.
        column_share: Share of columns that each split chooses from.
        tune: Trials of a search for better values of the five above and three penalties, by
            cross-validation inside the training cells, twins together; 0 for none. The best are
            in ``fitted_.params``. With ``calibration_folds`` each fold is tuned for itself.
        columns: Numbers known of cells beforehand, or None.
        calibration_folds: See :class:`AbstractPredictor`.
        seed: See :class:`AbstractPredictor`.
    """

    kind = "xgboost"

    Fitted = FittedTrees
    fitted_: FittedTrees

    def __init__(
        self,
        *,
        encoder: str = "features",
        transform: str = "scores",
        members: int = 2,
        # With depth, rate and columns chosen on design targets,
        # splits 100 to 103 (experiments/trees).
        trees: int = 800,
        depth: int = 4,
        learning_rate: float | None = None,
        subsample: float = 0.8,
        column_share: float = 0.1,
        tune: int = 0,
        columns: Columns | None = None,
        calibration_folds: int = 5,
        seed: int = 0,
    ) -> None:
        super().__init__(calibration_folds=calibration_folds, seed=seed)
        self.encoder = encoder
        self.transform = transform
        self.members = check_integer("members", members, minimum=1)
        self.trees = check_integer("trees", trees, minimum=1)
        self.depth = check_integer("depth", depth, minimum=1)
        self.learning_rate = (
            None if learning_rate is None else check_fraction("learning_rate", learning_rate)
        )
        self.subsample = check_fraction("subsample", subsample)
        self.column_share = check_fraction("column_share", column_share)
        self.tune = check_integer("tune", tune, minimum=0)
        self.columns = columns
        self._features = Features(encoder, columns)

    def _key(self, cell: Architecture) -> Hashable:
        return self._features.key(cell)

    def _fit(self, cells: Sequence[Architecture], Y: FloatArray) -> None:
        score_map, scores = ScoreMap.fit(Y, transform=self.transform)
        # xgboost compares in float32; cast here, training and prediction round alike.
        rows = self._features.encode(cells).astype(np.float32)
        weights = self._features.weights
        params = self._given(len(cells))
        if self.tune and len(folds := tuning_folds(cells, seed=self.seed)):
            params = tune(
                rows,
                scores,
                weights,
                folds,
                start=params,
                trials=self.tune,
                seed=self.seed,
                groups=cell_groups(cells),
            )
        data = as_matrix(rows, scores, weights)
        self.fitted_ = FittedTrees(params, score_map)
        self.boosters_ = [params.train(data, seed) for seed in seeds_from(self.seed, self.members)]

    def _given(self, n: int) -> TreeParameters:
        """Return the parameters that the constructor was given, for n rows."""
        # At N = 5000 a rate of .03 needs more than 800 trees; with the root of the rows
        # tau rose from .951 to .956 (experiments/trees).
        rate = min(0.03 * max(1.0, np.sqrt(n / 1000)), 0.3)
        return TreeParameters(
            trees=self.trees,
            depth=self.depth,
            learning_rate=self.learning_rate or rate,
            subsample=self.subsample,
            column_share=self.column_share,
        )

    def _predict(self, cells: Sequence[Architecture]) -> tuple[FloatArray, FloatArray]:
        rows = self._features.encode(cells).astype(np.float32)
        each = np.stack(
            [np.asarray(b.inplace_predict(rows)).reshape(len(rows), -1) for b in self.boosters_]
        )
        each = each.astype(np.float64)
        return self.fitted_.map.moments(each.mean(axis=0), each.std(axis=0))

    def _boosters(self) -> dict[str, bytes]:
        return {
            f"booster-{i}.ubj": bytes(booster.save_raw("ubj"))
            for i, booster in enumerate(self.boosters_)
        }

    def _restored(self) -> None:
        # Tuned ones are as many as tuning found, whatever the constructor was given.
        if not self.tune and self.fitted_.params.trees != self.trees:
            msg = f"weights: expected {self.trees} trees, got {self.fitted_.params.trees}"
            raise InvalidModelError(msg)

    def _load_boosters(self, files: Mapping[str, bytes]) -> None:
        n_members = min(self.members, len(files))  # a card may say anything
        names = [f"booster-{i}.ubj" for i in range(n_members)]
        if n_members < self.members or set(files) != set(names):
            msg = f"weights: expected {self.members} boosters, got {', '.join(sorted(files))}"
            raise InvalidModelError(msg)
        shape = {
            "n_features": self._features.size,
            "n_targets": len(self.fitted_.map.spread),
            "n_trees": self.fitted_.params.trees,
        }
        self.boosters_ = [
            _load_booster(name, rebuild_booster(files[name], name=name, **shape)) for name in names
        ]


def _load_booster(name: str, content: bytes) -> "Booster":
    import xgboost

    booster = xgboost.Booster({"nthread": 1})
    try:
        booster.load_model(bytearray(content))
    except (xgboost.core.XGBoostError, ValueError) as error:
        msg = f"{name}: expected a booster that xgboost reads, got: {str(error).splitlines()[0]}"
        raise InvalidModelError(msg) from None
    booster.set_param({"nthread": 1})
    return booster

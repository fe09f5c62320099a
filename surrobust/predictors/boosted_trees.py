"""Gradient-boosted trees, by xgboost."""

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._checks import check_fraction, check_integer
from .._random import seeds_from
from ..errors import InvalidModelError
from ..spaces import Architecture
from ..typing import FloatArray
from .base import AbstractPredictor
from .features import Features
from .score_map import FILE as SCORES_FILE
from .score_map import ScoreMap
from .ubjson import check_booster

if TYPE_CHECKING:
    from xgboost import Booster


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
        learning_rate: Shrinkage of each tree.
        subsample: Share of rows for each tree.
        columns: Share of columns that each split chooses from.
        calibration_folds: See :class:`AbstractPredictor`.
        seed: See :class:`AbstractPredictor`.
    """

    kind = "xgboost"

    def __init__(
        self,
        *,
        encoder: str = "features",
        transform: str = "scores",
        members: int = 2,
        trees: int = 500,
        depth: int = 4,
        learning_rate: float = 0.05,
        subsample: float = 0.8,
        columns: float = 0.5,
        calibration_folds: int = 5,
        seed: int = 0,
    ) -> None:
        super().__init__(calibration_folds=calibration_folds, seed=seed)
        self.encoder = encoder
        self.transform = transform
        self.members = check_integer("members", members, minimum=1)
        self.trees = check_integer("trees", trees, minimum=1)
        self.depth = check_integer("depth", depth, minimum=1)
        self.learning_rate = check_fraction("learning_rate", learning_rate)
        self.subsample = check_fraction("subsample", subsample)
        self.columns = check_fraction("columns", columns)
        self._features = Features(encoder)

    def _key(self, cell: Architecture) -> Hashable:
        return self._features.key(cell)

    def _fit(self, cells: Sequence[Architecture], Y: FloatArray) -> None:
        import xgboost

        self.map_, scores = ScoreMap.fit(Y, transform=self.transform)
        data = xgboost.DMatrix(self._features.encode(cells).astype(np.float32), scores, nthread=1)
        self.boosters_ = [
            xgboost.train(self._parameters(seed), data, num_boost_round=self.trees)
            for seed in seeds_from(self.seed, self.members)
        ]

    def _parameters(self, seed: int) -> dict[str, Any]:
        return {
            "objective": "reg:squarederror",
            "base_score": 0.0,
            "tree_method": "hist",
            "max_depth": self.depth,
            "eta": self.learning_rate,
            "subsample": self.subsample,
            "colsample_bynode": self.columns,
            "nthread": 1,
            "seed": seed,
            "verbosity": 0,
            "multi_strategy": "multi_output_tree",
        }

    def _predict(self, cells: Sequence[Architecture]) -> tuple[FloatArray, FloatArray]:
        rows = self._features.encode(cells).astype(np.float32)
        each = np.stack(
            [np.asarray(b.inplace_predict(rows)).reshape(len(rows), -1) for b in self.boosters_]
        )
        each = each.astype(np.float64)
        return self.map_.moments(each.mean(axis=0), each.std(axis=0))

    def _weights(self) -> dict[str, bytes]:
        files = {
            f"booster-{i}.ubj": bytes(booster.save_raw("ubj"))
            for i, booster in enumerate(self.boosters_)
        }
        return {**files, SCORES_FILE: self.map_.pack()}

    def _load_weights(self, files: dict[str, bytes], n_targets: int) -> None:
        names = [f"booster-{i}.ubj" for i in range(self.members)]
        if set(files) != {*names, SCORES_FILE}:
            msg = f"weights: expected {', '.join(names)} and {SCORES_FILE}, got {', '.join(files)}"
            raise InvalidModelError(msg)
        self.map_ = ScoreMap.unpack(files[SCORES_FILE], n_targets)
        self.boosters_ = [
            _load_booster(name, files[name], self._features.size, n_targets) for name in names
        ]


def _load_booster(name: str, content: bytes, n_features: int, n_targets: int) -> "Booster":
    check_booster(content, name=name, n_features=n_features, n_targets=n_targets)
    import xgboost

    booster = xgboost.Booster({"nthread": 1})
    try:
        booster.load_model(bytearray(content))
    except (xgboost.core.XGBoostError, ValueError) as error:
        msg = f"{name}: expected a booster that xgboost reads, got: {str(error).splitlines()[0]}"
        raise InvalidModelError(msg) from None
    booster.set_param({"nthread": 1})
    return booster

"""A random forest, grown by scikit-learn."""

from collections.abc import Hashable, Sequence

from .._checks import check_fraction, check_integer
from ..encodings import Columns
from ..errors import InvalidModelError
from ..spaces import Architecture
from ..typing import FloatArray
from .base import AbstractPredictor
from .features import Features
from .scaling import FILE as SCALER_FILE
from .scaling import Scaler
from .trees import FILE as FOREST_FILE
from .trees import Forest


class RandomForest(AbstractPredictor):
    """Breiman, "Random Forests" (Machine Learning 2001).

    The mean of the trees is predicted, their spread is the standard deviation. Many targets share
    the trees.

    Args:
        encoder: Names in ``ENCODINGS`` joined by ``+``.
        trees: How many.
        column_share: Share of columns that each split chooses from.
        smallest_leaf: Least training rows in a leaf.
        columns: Numbers known of cells beforehand, or None.
        calibration_folds: See :class:`AbstractPredictor`.
        seed: See :class:`AbstractPredictor`.
    """

    kind = "random_forest"

    def __init__(
        self,
        *,
        encoder: str = "features",
        trees: int = 200,
        column_share: float = 0.33,
        smallest_leaf: int = 1,
        columns: Columns | None = None,
        calibration_folds: int = 5,
        seed: int = 0,
    ) -> None:
        super().__init__(calibration_folds=calibration_folds, seed=seed)
        self.encoder = encoder
        self.trees = check_integer("trees", trees, minimum=2)
        self.column_share = check_fraction("column_share", column_share)
        self.smallest_leaf = check_integer("smallest_leaf", smallest_leaf, minimum=1)
        self.columns = columns
        self._features = Features(encoder, columns)

    def _key(self, cell: Architecture) -> Hashable:
        return self._features.key(cell)

    def _fit(self, cells: Sequence[Architecture], Y: FloatArray) -> None:
        from sklearn.ensemble import RandomForestRegressor

        self.scaler_ = Scaler.of(Y)
        values = self.scaler_.to_units(Y)
        model = RandomForestRegressor(
            self.trees,
            max_features=self.column_share,
            min_samples_leaf=self.smallest_leaf,
            n_jobs=1,
            random_state=self.seed % 2**32,
        )
        model.fit(self._features.encode(cells), values[:, 0] if values.shape[1] == 1 else values)
        self.forest_ = Forest.of(tree.tree_ for tree in model.estimators_)

    def _predict(self, cells: Sequence[Architecture]) -> tuple[FloatArray, FloatArray]:
        mean, std = self.forest_.predict(self._features.encode(cells))
        return self.scaler_.from_units(mean), std * self.scaler_.spread

    def _weights(self) -> dict[str, bytes]:
        return {FOREST_FILE: self.forest_.pack(), SCALER_FILE: self.scaler_.pack()}

    def _load_weights(self, files: dict[str, bytes], n_targets: int) -> None:
        if set(files) != {FOREST_FILE, SCALER_FILE}:
            msg = f"weights: expected {FOREST_FILE} and {SCALER_FILE}, got {', '.join(files)}"
            raise InvalidModelError(msg)
        self.scaler_ = Scaler.unpack(files[SCALER_FILE], n_targets)
        self.forest_ = Forest.unpack(
            files[FOREST_FILE],
            n_features=self._features.size,
            n_targets=n_targets,
            n_trees=self.trees,
        )

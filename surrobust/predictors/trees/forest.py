"""A random forest: grown by scikit-learn, kept and predicted as flat arrays."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ..._checks import check_fraction, check_integer
from ..._parts import tensor
from ...encodings import Columns
from ...encodings.joined import Features
from ...errors import InvalidModelError
from ...processes.scores import ScoreMap
from ...spaces import Architecture
from ...typing import FloatArray
from ..base import AbstractPredictor


@dataclass(frozen=True)
class Forest:
    """All nodes of all trees, one tree after the other, parents before children.

    Args:
        roots: Position of each tree's root, ``(trees,)`` int32.
        feature: Column that a node compares, -1 in leaves, ``(nodes,)`` int16.
        threshold: Rows with at most this go left, ``(nodes,)`` float64.
        left: Position of the left child, ``(nodes,)`` int32; a leaf's own.
        right: Likewise.
        value: Mean of the training values in a node, ``(nodes, m)`` float32.
    """

    roots: np.ndarray = tensor("int32", "trees")
    feature: np.ndarray = tensor("int16", "_nodes")
    threshold: np.ndarray = tensor("float64", "_nodes")
    left: np.ndarray = tensor("int32", "_nodes")
    right: np.ndarray = tensor("int32", "_nodes")
    value: np.ndarray = tensor("float32", "_nodes m")

    def check(self) -> None:
        """Refuse a forest that could not be walked.

        Raises:
            InvalidModelError: If it is such.
        """
        n, roots, inner = len(self.feature), self.roots, self.feature >= 0
        here = np.arange(n)
        if (
            not ((roots >= 0) & (roots < n) & (np.diff(roots, prepend=-1) > 0)).all()
            # Children come after their parent, so no walk goes round in a circle.
            or any(((c <= here) | (c >= n))[inner].any() for c in (self.left, self.right))
        ):
            msg = "forest: expected trees whose nodes exist, got others"
            raise InvalidModelError(msg)

    @classmethod
    def of(cls, trees: Iterable[Any]) -> Self:
        """Read sklearn's trees (``estimator.tree_``)."""
        parts: list[tuple[np.ndarray, ...]] = []
        roots, start = [], 0
        for tree in trees:
            here = np.arange(tree.node_count)
            is_leaf = tree.children_left < 0
            parts.append(
                (
                    np.where(is_leaf, -1, tree.feature).astype(np.int16),
                    np.where(is_leaf, 0.0, tree.threshold),
                    (np.where(is_leaf, here, tree.children_left) + start).astype(np.int32),
                    (np.where(is_leaf, here, tree.children_right) + start).astype(np.int32),
                    # (nodes, m, 1): scikit-learn keeps room for
                    # classes, of which a regression has one.
                    tree.value[:, :, 0].astype(np.float32),
                )
            )
            roots.append(start)
            start += tree.node_count
        arrays = (np.concatenate(part) for part in zip(*parts, strict=True))
        return cls(np.array(roots, dtype=np.int32), *arrays)

    def predict(self, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return mean and standard deviation over the trees, both ``(n, m)``.

        Args:
            rows: Features, compared in float32 as sklearn does, ``(n, d)``.
        """
        rows = rows.astype(np.float32)
        # Sums as they go: all trees at once would be (trees, n, m).
        total = np.zeros((len(rows), self.value.shape[1]))
        squares = np.zeros_like(total)
        for root in self.roots:
            values = self.value[self._leaves(int(root), rows)].astype(np.float64)
            total += values
            squares += values**2
        # E x^2 - (E x)^2 may be rounded below 0 where all trees agree.
        mean = total / len(self.roots)
        return mean, np.sqrt(np.maximum(squares / len(self.roots) - mean**2, 0.0))

    def _leaves(self, root: int, rows: np.ndarray) -> np.ndarray:
        """Return the leaf that each row falls into."""
        node = np.full(len(rows), root, dtype=np.int32)
        walking = np.arange(len(rows)) if self.feature[root] >= 0 else np.empty(0, dtype=np.int64)
        while len(walking):
            at = node[walking]
            # The row in float32 with a threshold in float64, as scikit-learn compares.
            goes_left = rows[walking, self.feature[at]] <= self.threshold[at]
            at = np.where(goes_left, self.left[at], self.right[at])
            node[walking] = at
            walking = walking[self.feature[at] >= 0]
        return node


@dataclass(frozen=True)
class FittedForest:
    """What a random forest has learnt.

    Args:
        units: Between values and those that the trees have, centred and in units of the spread.
        forest: The trees.
    """

    units: ScoreMap
    forest: Forest


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

    Fitted = FittedForest
    fitted_: FittedForest

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

        units, values = ScoreMap.fit(Y, transform="standard")
        model = RandomForestRegressor(
            self.trees,
            max_features=self.column_share,
            min_samples_leaf=self.smallest_leaf,
            n_jobs=1,
            # NumPy's old generator, which scikit-learn uses, takes no larger seed.
            random_state=self.seed % 2**32,
        )
        model.fit(self._features.encode(cells), values[:, 0] if values.shape[1] == 1 else values)
        forest = Forest.of(tree.tree_ for tree in model.estimators_)
        self.fitted_ = FittedForest(units, forest)

    def _predict(self, cells: Sequence[Architecture]) -> tuple[FloatArray, FloatArray]:
        return self.fitted_.units.moments(
            *self.fitted_.forest.predict(self._features.encode(cells))
        )

    def _sizes(self) -> dict[str, int]:
        return {"trees": self.trees}

    def _restored(self) -> None:
        if (self.fitted_.forest.feature >= self._features.size).any():
            msg = f"forest: expected splits on {self._features.size} features, got others"
            raise InvalidModelError(msg)

"""A random forest: grown by scikit-learn, kept and predicted as flat arrays."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ..._checks import check_fraction, check_integer
from ..._tensors import LARGEST_VALUE, pack_tensors, take_tensor, unpack_tensors
from ...encodings import Columns
from ...encodings.joined import Features
from ...errors import InvalidModelError
from ...spaces import Architecture
from ...typing import FloatArray
from ..base import AbstractPredictor


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
            # NumPy's old generator, which scikit-learn uses, takes no larger seed.
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


FOREST_FILE = "forest.safetensors"


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

    roots: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray

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

    def pack(self) -> bytes:
        """Return the forest as a safetensors file."""
        return pack_tensors(self.__dict__)

    @classmethod
    def unpack(cls, content: bytes, *, n_features: int, n_targets: int, n_trees: int) -> Self:
        """Read a forest.

        Raises:
            InvalidModelError: If it is damaged, or could not be walked.
        """
        tensors = unpack_tensors(content, name=FOREST_FILE)
        roots = take_tensor(tensors, "roots", dtype="int32", shape=(None,))
        feature = take_tensor(tensors, "feature", dtype="int16", shape=(None,))
        n = len(feature)
        threshold = take_tensor(tensors, "threshold", dtype="float64", shape=(n,))
        left, right = (
            take_tensor(tensors, k, dtype="int32", shape=(n,)) for k in ("left", "right")
        )
        value = take_tensor(tensors, "value", dtype="float32", shape=(n, n_targets))
        here, inner = np.arange(n), feature >= 0
        if (
            len(roots) != n_trees
            or not ((roots >= 0) & (roots < n) & (np.diff(roots, prepend=-1) > 0)).all()
            or (feature >= n_features).any()
            # Children come after their parent, so no walk goes round in a circle.
            or any(((c <= here) | (c >= n))[inner].any() for c in (left, right))
        ):
            msg = f"{FOREST_FILE}: expected trees whose nodes and features exist, got others"
            raise InvalidModelError(msg)
        return cls(roots, feature, threshold, left, right, value)


SCALER_FILE = "scaler.safetensors"


@dataclass(frozen=True)
class Scaler:
    """Mean and spread of each target, both ``(m,)``; a constant target has spread 1."""

    mean: FloatArray
    spread: FloatArray

    @classmethod
    def of(cls, Y: FloatArray) -> Self:
        """Return the scaler of values ``(n, m)``."""
        spread = Y.std(axis=0)
        # A constant column may have a spread of rounding errors.
        is_constant = np.ptp(Y, axis=0) == 0
        return cls(Y.mean(axis=0), np.where(is_constant | (spread == 0), 1.0, spread))

    def to_units(self, Y: FloatArray) -> FloatArray:
        """Return values centred and in units of the spread, shape ``(..., m)``."""
        return (Y - self.mean) / self.spread

    def from_units(self, Z: FloatArray) -> FloatArray:
        """Return the values that ``to_units`` took to ``Z``."""
        return Z * self.spread + self.mean

    def pack(self) -> bytes:
        """Return the scaler as a safetensors file."""
        return pack_tensors({"mean": self.mean, "spread": self.spread})

    @classmethod
    def unpack(cls, content: bytes, n_targets: int) -> Self:
        """Read a scaler.

        Raises:
            InvalidModelError: If it is damaged or not of ``n_targets`` columns.
        """
        tensors = unpack_tensors(content, name=SCALER_FILE)
        wanted: dict[str, Any] = {"dtype": "float64", "most": LARGEST_VALUE}
        mean = take_tensor(tensors, "mean", shape=(n_targets,), **wanted)
        spread = take_tensor(tensors, "spread", shape=(n_targets,), **wanted)
        if (spread <= 0).any():
            msg = f"{SCALER_FILE}: expected positive spreads, got others"
            raise InvalidModelError(msg)
        return cls(mean, spread)

"""Forests as flat arrays: what sklearn grows, predicted and stored without it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ..errors import InvalidModelError
from ..typing import FloatArray
from .tensors import pack_tensors, take_tensor, unpack_tensors

FILE = "forest.safetensors"


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
        total = np.zeros((len(rows), self.value.shape[1]))
        squares = np.zeros_like(total)
        for root in self.roots:
            values = self.value[self._leaves(int(root), rows)].astype(np.float64)
            total += values
            squares += values**2
        mean = total / len(self.roots)
        return mean, np.sqrt(np.maximum(squares / len(self.roots) - mean**2, 0.0))

    def _leaves(self, root: int, rows: np.ndarray) -> np.ndarray:
        """Return the leaf that each row falls into."""
        node = np.full(len(rows), root, dtype=np.int32)
        walking = np.arange(len(rows)) if self.feature[root] >= 0 else np.empty(0, dtype=np.int64)
        while len(walking):
            at = node[walking]
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
        tensors = unpack_tensors(content, name=FILE)
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
            msg = f"{FILE}: expected trees whose nodes and features exist, got others"
            raise InvalidModelError(msg)
        return cls(roots, feature, threshold, left, right, value)

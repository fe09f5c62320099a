"""How sure a Gaussian process is of a cell, without all its training rows at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from .._tensors import take_tensor
from ..errors import InvalidModelError
from ..typing import FloatArray, IntArray
from .kernel import Hyperparameters, covariance, matern, stretch

# 1024 cells with 64 x 64 covariances are 34 MB of float64.
_CHUNK = 1024
_MOST_NEAREST = 64
"""As many squared numbers a cell are computed at once."""


@dataclass(frozen=True)
class Sight:
    """What b cells see of the training rows.

    Args:
        known: Covariances with the whitened anchors, ``(b, a)`` float32.
        near: The nearest of the other rows, ``(b, k)``; k is 0 where there are none.
        cross: Covariances with those, ``(b, k)``.
    """

    known: np.ndarray
    near: IntArray
    cross: FloatArray


@dataclass(frozen=True)
class Spread:
    """The variance that rows of two kinds explain: anchors and, of the others, the nearest.

    Given all rows it would cost n^2 numbers in a saved predictor. Anchors see the whole space; the
    rows nearest to a cell, a twin above all, decide about it (Vecchia, "Estimation and Model
    Identification for Continuous Spatial Processes", 1988). Given so many rows it is exact.

    Args:
        anchors: Rows that count for every cell, ``(a,)``.
        whiten: Inverse of the Cholesky factor of their covariance with noise, ``(a, a)`` float32.
        noise: Variance of the noise of each row, ``(n,)``.
        nearest: How many other rows count for a cell.
    """

    anchors: IntArray
    whiten: np.ndarray
    noise: FloatArray
    nearest: int

    def see(self, K: FloatArray) -> Sight:
        """Return what b cells see of the rows.

        Args:
            K: Covariances of the cells with all n rows, ``(b, n)``.
        """
        is_other = np.ones(len(self.noise), dtype=np.bool_)
        is_other[self.anchors] = False
        others = np.flatnonzero(is_other)
        k = min(self.nearest, len(others))
        near = np.empty((len(K), 0), dtype=np.int64)
        if k:
            # Nearest by the kernel itself. A partition, as their order does not
            # matter; in float32 it moves half the bytes.
            away = -K[:, others].astype(np.float32)
            near = others[np.argpartition(away, k - 1, axis=1)[:, :k]]
        return Sight(self._whitened(K[:, self.anchors]), near, np.take_along_axis(K, near, axis=1))

    def explained(
        self, sight: Sight, rows: np.ndarray, slices: Sequence[slice], kernel: Hyperparameters
    ) -> FloatArray:
        """Return the variance that is explained, ``(b,)``.

        Args:
            sight: What the cells see.
            rows: The training rows, scaled, ``(n, d)``.
            slices: Columns of the groups of features.
            kernel: Hyper-parameters.
        """
        variance: FloatArray = (sight.known.astype(np.float64) ** 2).sum(axis=1)
        if not sight.near.size:
            return variance
        found, where = np.unique(sight.near, return_inverse=True)
        where = where.reshape(sight.near.shape)
        K = covariance(rows[found], rows[self.anchors], slices, kernel)
        whitened, stretched = self._whitened(K), stretch(rows[found], slices, kernel.weights)
        for start in range(0, len(variance), _CHUNK):
            part = slice(start, start + _CHUNK)
            at = where[part]
            w, s = whitened[at], stretched[at]
            # Given the anchors: covariances less what these explain (Schur complement); (b,
            # k, a) @ (b, a, 1) and below (b, k, a) @ (b, a, k).
            left = sight.cross[part] - np.matmul(w, sight.known[part, :, None])[:, :, 0]
            squares = (s**2).sum(axis=2)
            squared = squares[:, :, None] + squares[:, None] - 2 * s @ s.transpose(0, 2, 1)
            K = kernel.amplitude * matern(np.maximum(squared, 0)) + 1 - w @ w.transpose(0, 2, 1)
            diagonal = np.arange(at.shape[1])
            K[:, diagonal, diagonal] += self.noise[found][at]
            gain = (np.linalg.solve(K, left[:, :, None])[:, :, 0] * left).sum(axis=1)
            # The whitener is float32, so that K may be indefinite by a rounding error.
            variance[part] += np.maximum(gain, 0)
        return variance

    def tensors(self) -> dict[str, np.ndarray]:
        """Return the four by name."""
        return {
            "anchors": self.anchors,
            "whiten": self.whiten,
            "row_noise": self.noise,
            "nearest": np.array([self.nearest]),
        }

    @classmethod
    def take(cls, tensors: dict[str, np.ndarray], n: int) -> Self:
        """Take what :meth:`tensors` gave, of n rows; older versions had no nearest rows.

        Raises:
            InvalidModelError: If they do not fit.
        """
        anchors = take_tensor(tensors, "anchors", dtype="int64", shape=(None,))
        a = len(anchors)
        whiten = take_tensor(tensors, "whiten", dtype="float32", shape=(a, a))
        noise, nearest = np.zeros(n), 0
        if {"row_noise", "nearest"} & tensors.keys():
            noise = take_tensor(tensors, "row_noise", dtype="float64", shape=(n,))
            nearest = int(take_tensor(tensors, "nearest", dtype="int64", shape=(1,))[0])
        is_sound = ((anchors >= 0) & (anchors < n)).all() and (noise >= 0).all()
        # Near rows without noise could be equal, and K above singular.
        is_known = 0 <= nearest <= _MOST_NEAREST and not (nearest and (noise == 0).any())
        if not is_sound or not is_known:
            msg = "weights: expected rows that exist and their noise, got others"
            raise InvalidModelError(msg)
        return cls(anchors, whiten, noise, nearest)

    def _whitened(self, K: FloatArray) -> np.ndarray:
        whitened: np.ndarray = K.astype(np.float32) @ self.whiten.T
        return whitened

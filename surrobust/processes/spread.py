"""How sure a Gaussian process is of a cell, without all its training rows at once."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from .._parts import tensor
from ..errors import InvalidModelError
from ..typing import FloatArray, IntArray
from .kernel import Covariance, Rows

# 1024 cells with 64 x 64 covariances are 34 MB of float64.
_CHUNK = 1024
_MOST_NEAREST = 64
"""As many squared numbers a cell are computed at once."""


@dataclass(frozen=True)
class Sight:
    """What b cells see of the training rows.

    Args:
        known: Covariances with the whitened anchors, ``(b, a)``.
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
        nearest: How many other rows count for a cell.
        anchors: Rows that count for every cell, ``(a,)``.
        whiten: Inverse of the Cholesky factor of their covariance with noise, ``(a, a)``; float64
            only in a process that is not saved.
        noise: Variance of the noise of each row, ``(n,)``.
    """

    nearest: int
    anchors: IntArray = tensor("int64", "_anchors")
    whiten: np.ndarray = tensor("float32", "_anchors _anchors")
    noise: FloatArray = tensor("float64", "n")

    @classmethod
    def of(
        cls, K: FloatArray, noise: FloatArray, anchors: IntArray, *, nearest: int, dtype: str
    ) -> Self:
        """Whiten the anchors.

        Args:
            K: Covariance of all rows, without noise, ``(n, n)``.
            noise: Variance of each row's, ``(n,)``.
            anchors: See the class.
            nearest: See the class.
            dtype: Of the whitener.
        """
        from scipy.linalg import cho_factor, solve_triangular

        whiten = np.empty((0, 0))
        if len(anchors):
            noisy = K[np.ix_(anchors, anchors)]
            noisy[np.diag_indices(len(noisy))] += noise[anchors]
            lower = cho_factor(noisy, lower=True, overwrite_a=True)[0]
            whiten = solve_triangular(lower, np.eye(len(lower)), lower=True)
        # In the order of memory that loading gives, so that both predict the same to the last bit.
        return cls(nearest, anchors, np.ascontiguousarray(whiten, dtype=dtype), noise)

    def check(self) -> None:
        """Refuse rows that do not exist, and noise with which K could be singular.

        Raises:
            InvalidModelError: If there are such.
        """
        n, noise = len(self.noise), self.noise
        is_sound = ((self.anchors >= 0) & (self.anchors < n)).all() and (noise >= 0).all()
        # Near rows without noise could be equal, and K above singular.
        is_known = 0 <= self.nearest <= _MOST_NEAREST and not (self.nearest and (noise == 0).any())
        if not is_sound or not is_known:
            msg = "weights: expected rows that exist and their noise, got others"
            raise InvalidModelError(msg)

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

    def explained(self, sight: Sight, rows: Rows, covariance: Covariance) -> FloatArray:
        """Return the variance that is explained, ``(b,)``.

        Args:
            sight: What the cells see.
            rows: The training rows.
            covariance: The kernel.
        """
        variance: FloatArray = (sight.known.astype(np.float64) ** 2).sum(axis=1)
        if not sight.near.size:
            return variance
        found, where = np.unique(sight.near, return_inverse=True)
        where = where.reshape(sight.near.shape)
        whitened = self._whitened(covariance(rows[found], rows[self.anchors]))
        for start in range(0, len(variance), _CHUNK):
            part = slice(start, start + _CHUNK)
            at = where[part]
            w = whitened[at]
            # Given the anchors: covariances less what these explain (Schur complement); (b,
            # k, a) @ (b, a, 1) and below (b, k, a) @ (b, a, k).
            left = sight.cross[part] - np.matmul(w, sight.known[part, :, None])[:, :, 0]
            K = covariance.within(rows[found], at) - w @ w.transpose(0, 2, 1)
            diagonal = np.arange(at.shape[1])
            K[:, diagonal, diagonal] += self.noise[found][at]
            gain = (np.linalg.solve(K, left[:, :, None])[:, :, 0] * left).sum(axis=1)
            # The whitener is float32, so that K may be indefinite by a rounding error.
            variance[part] += np.maximum(gain, 0)
        return variance

    def _whitened(self, K: FloatArray) -> np.ndarray:
        whitened: np.ndarray = K.astype(self.whiten.dtype) @ self.whiten.T
        return whitened

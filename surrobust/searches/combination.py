"""A score learnt from several others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from .._checks import brief
from ..errors import InvalidInputError
from ..typing import FloatArray

_BOUND = 4.0
"""Standardised columns are cut off here: some proxies have wild tails."""


@dataclass(frozen=True, eq=False)
class Combination:
    """A quadratic function of columns of numbers, fitted to ranks by ridge regression.

    Each column ``v`` becomes ``asinh(v / scale)`` about its median over its interquartile range,
    cut off at 4 on both sides: monotone, nearly linear for small values, logarithmic for large ones
    of either sign. The function is linear in these, their squares and their products.

    Args:
        columns: Names of the columns, ``(d,)``.
        scales: Typical sizes of the columns ``(d,)``, above 0.
        medians: Of the transformed columns, ``(d,)``.
        ranges: Interquartile ranges of the transformed columns ``(d,)``, above 0.
        weights: Of the ``d + d (d + 1) / 2`` terms.
    """

    columns: tuple[str, ...]
    scales: FloatArray
    medians: FloatArray
    ranges: FloatArray
    weights: FloatArray

    @classmethod
    def fit(
        cls, columns: Sequence[str], numbers: FloatArray, y: FloatArray, *, penalty: float = 10.0
    ) -> Self:
        """Fit to the mean normal score of the columns of ``y``.

        Args:
            columns: Names, ``(d,)``.
            numbers: ``(n, d)``, finite.
            y: Values of other targets, ``(n, m)``; each counts by its ranks alone.
            penalty: Of the squared weights.
        """
        from scipy.special import ndtri
        from scipy.stats import rankdata

        scores = ndtri((rankdata(y, axis=0) - 0.5) / len(y)).mean(axis=1)
        scales = np.maximum(np.median(np.abs(numbers), axis=0), 1e-12)
        transformed = np.arcsinh(numbers / scales)
        quartiles = np.percentile(transformed, [25, 50, 75], axis=0)
        ranges = np.maximum(quartiles[2] - quartiles[0], 1e-9)
        terms = _terms(transformed, quartiles[1], ranges)
        centred = terms - terms.mean(axis=0)
        normal = centred.T @ centred + penalty * np.eye(terms.shape[1])
        weights = np.linalg.solve(normal, centred.T @ (scores - scores.mean()))
        return cls(tuple(columns), scales, quartiles[1], ranges, weights)

    def score(self, numbers: FloatArray) -> FloatArray:
        """Return scores ``(n,)`` of columns ``(n, d)``; higher is better, the unit is arbitrary."""
        transformed = np.arcsinh(np.asarray(numbers, dtype=np.float64) / self.scales)
        scores: FloatArray = _terms(transformed, self.medians, self.ranges) @ self.weights
        return scores

    def to_document(self) -> dict[str, Any]:
        """Return the combination as lists of numbers, which :meth:`from_document` reads."""
        names = ("scales", "medians", "ranges", "weights")
        lists = {name: getattr(self, name).tolist() for name in names}
        return {"columns": list(self.columns), **lists}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_document` wrote.

        Raises:
            InvalidInputError: If it is not that.
        """
        try:
            columns = tuple(map(str, document["columns"]))
            names = ("scales", "medians", "ranges", "weights")
            arrays = [np.array(document[name], dtype=np.float64) for name in names]
        except (KeyError, TypeError, ValueError):
            msg = "combination: expected columns, scales, medians, ranges and weights"
            raise InvalidInputError(f"{msg}, got {brief(document)}") from None
        d = len(columns)
        shapes = [(d,), (d,), (d,), (d + d * (d + 1) // 2,)]
        if [a.shape for a in arrays] != shapes or not all(np.isfinite(a).all() for a in arrays):
            msg = f"combination: expected finite numbers of shapes {shapes}, got others"
            raise InvalidInputError(msg)
        return cls(columns, *arrays)


def _terms(transformed: FloatArray, medians: FloatArray, ranges: FloatArray) -> FloatArray:
    standard = np.clip((transformed - medians) / ranges, -_BOUND, _BOUND)
    first, second = np.triu_indices(standard.shape[1])
    return np.hstack([standard, standard[:, first] * standard[:, second]])

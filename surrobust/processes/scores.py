"""A monotone map between a target's values and scores that regression takes to better.

Values on measured cells are skewed (collapsed trainings far below the rest). A score is the mean of
the standardised value and the normal score of its rank, standardised again: outliers are pulled in
and the order is kept.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from .._checks import check_choice
from .._tensors import LARGEST_VALUE, pack_tensors, take_tensor, unpack_tensors
from ..errors import InvalidModelError
from ..metrics import normal_scores
from ..typing import FloatArray

SCORES_FILE = "scores.safetensors"
TRANSFORMS = ("scores", "standard")
"""``scores`` as above; ``standard``: only centred and in units of the spread."""

_KNOTS = 513
"""Points of the inverse map that are kept of many training values."""


@dataclass(frozen=True)
class ScoreMap:
    """The map of m targets: linear between knots, beyond them with the spread as slope.

    Args:
        scores: Knots, ascending along axis 0, ``(k, m)``.
        values: Their values, ascending, ``(k, m)``.
        spread: Standard deviation of each target, 1 where it is constant, ``(m,)``.
    """

    scores: FloatArray
    values: FloatArray
    spread: FloatArray

    @classmethod
    def fit(cls, Y: FloatArray, *, transform: str) -> tuple[Self, FloatArray]:
        """Return the map of training values ``(n, m)``, and their scores.

        Raises:
            InvalidInputError: If ``transform`` is not one of ``TRANSFORMS``.
        """
        check_choice("transform", transform, TRANSFORMS)
        is_constant = np.ptp(Y, axis=0) == 0
        Z = _standardise(Y)
        if transform == "scores":
            Z = _standardise(Z + normal_scores(Y))
        order = np.argsort(Z, axis=0, kind="stable")
        keep = np.unique(np.linspace(0, len(Y) - 1, _KNOTS).round().astype(np.int64))
        knots = np.take_along_axis(Z, order, axis=0)[keep]
        values = np.take_along_axis(Y, order, axis=0)[keep]
        return cls(knots, values, np.where(is_constant, 1.0, Y.std(axis=0))), Z

    def to_values(self, Z: FloatArray) -> FloatArray:
        """Return the values of scores ``(n, m)``."""
        Y = np.empty_like(Z)
        for j in range(Z.shape[1]):
            z, knots = Z[:, j], self.scores[:, j]
            beyond = np.maximum(z - knots[-1], 0) - np.maximum(knots[0] - z, 0)
            Y[:, j] = np.interp(z, knots, self.values[:, j]) + self.spread[j] * beyond
        return Y

    def moments(self, mean: FloatArray, std: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return mean and standard deviation in values, from those in scores, all ``(n, m)``.

        The mean is that of the median; the deviation is half of what one deviation up and down
        amount to.
        """
        values = self.to_values(np.concatenate([mean - std, mean, mean + std]))
        low, at, high = np.split(values, 3)
        return at, np.maximum(high - low, 0.0) / 2

    def pack(self) -> bytes:
        """Return the map as a safetensors file."""
        return pack_tensors(self.__dict__)

    @classmethod
    def unpack(cls, content: bytes, n_targets: int) -> Self:
        """Read a map.

        Raises:
            InvalidModelError: If it is damaged or not of ``n_targets`` columns.
        """
        tensors = unpack_tensors(content, name=SCORES_FILE)
        wanted: dict[str, Any] = {"dtype": "float64", "most": LARGEST_VALUE}
        scores = take_tensor(tensors, "scores", dtype="float64", shape=(None, n_targets))
        values = take_tensor(tensors, "values", shape=scores.shape, **wanted)
        spread = take_tensor(tensors, "spread", shape=(n_targets,), **wanted)
        rises = all((np.diff(array, axis=0) >= 0).all() for array in (scores, values))
        if len(scores) < 2 or not rises or (spread <= 0).any():
            msg = f"{SCORES_FILE}: expected ascending scores and values, got others"
            raise InvalidModelError(msg)
        widest = values[-1] - values[0]
        if (spread > np.where(widest > 0, widest, 1.0)).any():
            msg = f"{SCORES_FILE}: expected spreads within the range of the values, got larger ones"
            raise InvalidModelError(msg)
        return cls(scores, values, spread)


def _standardise(Y: FloatArray) -> FloatArray:
    """Return columns of mean 0 and standard deviation 1; constant ones become 0."""
    is_constant = np.ptp(Y, axis=0) == 0
    return np.where(is_constant, 0.0, Y - Y.mean(axis=0)) / np.where(
        is_constant, 1.0, Y.std(axis=0)
    )

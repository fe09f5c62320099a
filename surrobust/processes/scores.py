"""A monotone map between a target's values and scores that regression takes to better.

Values on measured cells are skewed (collapsed trainings far below the rest). A score is the mean of
the standardised value and the normal score of its rank, standardised again: outliers are pulled in
and the order is kept.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from .._checks import check_choice
from .._parts import LARGEST_VALUE, tensor
from ..errors import InvalidModelError
from ..metrics import normal_scores
from ..typing import FloatArray

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

    scores: FloatArray = tensor("float64", "_knots m")
    values: FloatArray = tensor("float64", "_knots m", most=LARGEST_VALUE)
    spread: FloatArray = tensor("float64", "m", most=LARGEST_VALUE)

    @classmethod
    def fit(cls, Y: FloatArray, *, transform: str) -> tuple[Self, FloatArray]:
        """Return the map of training values ``(n, m)``, and their scores.

        Raises:
            InvalidInputError: If ``transform`` is not one of ``TRANSFORMS``.
        """
        check_choice("transform", transform, TRANSFORMS)
        # Not by the deviation, which may be a rounding error where all values are equal.
        is_constant = np.ptp(Y, axis=0) == 0
        Z = _standardise(Y)
        if transform == "scores":
            Z = _standardise(Z + normal_scores(Y))
        order = np.argsort(Z, axis=0, kind="stable")
        # Only centred and scaled, the map is a line, which two points give.
        n_knots = _KNOTS if transform == "scores" else 2
        keep = np.unique(np.linspace(0, len(Y) - 1, n_knots).round().astype(np.int64))
        knots = np.take_along_axis(Z, order, axis=0)[keep]
        values = np.take_along_axis(Y, order, axis=0)[keep]
        return cls(knots, values, np.where(is_constant, 1.0, Y.std(axis=0))), Z

    def to_values(self, Z: FloatArray) -> FloatArray:
        """Return the values of scores ``(n, m)``."""
        Y = np.empty_like(Z)
        for j in range(Z.shape[1]):
            z, knots = Z[:, j], self.scores[:, j]
            # np.interp is flat beyond its knots; a slope keeps the
            # order of what is predicted there.
            beyond = np.maximum(z - knots[-1], 0) - np.maximum(knots[0] - z, 0)
            Y[:, j] = np.interp(z, knots, self.values[:, j]) + self.spread[j] * beyond
        return Y

    def moments(self, mean: FloatArray, std: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return mean and standard deviation in values, from those in scores, all ``(n, m)``.

        The mean is that of the median; the deviation is half of what one deviation up and down
        amount to.
        """
        # The map bends: one deviation up and one down differ, and their mean is symmetric.
        values = self.to_values(np.concatenate([mean - std, mean, mean + std]))
        low, at, high = np.split(values, 3)
        return at, np.maximum(high - low, 0.0) / 2

    def check(self) -> None:
        """Refuse what no values give.

        Raises:
            InvalidModelError: If it is such.
        """
        rises = all((np.diff(array, axis=0) >= 0).all() for array in (self.scores, self.values))
        if len(self.scores) < 2 or not rises or (self.spread <= 0).any():
            msg = "scores: expected ascending scores and values, got others"
            raise InvalidModelError(msg)
        # No standard deviation is larger than the range: such a file was damaged.
        widest = self.values[-1] - self.values[0]
        if (self.spread > np.where(widest > 0, widest, 1.0)).any():
            msg = "scores: expected spreads within the range of the values, got larger ones"
            raise InvalidModelError(msg)


def _standardise(Y: FloatArray) -> FloatArray:
    """Return columns of mean 0 and standard deviation 1; constant ones become 0."""
    is_constant = np.ptp(Y, axis=0) == 0
    return np.where(is_constant, 0.0, Y - Y.mean(axis=0)) / np.where(
        is_constant, 1.0, Y.std(axis=0)
    )

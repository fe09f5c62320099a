"""The baseline that every predictor must pass: the number of parameters."""

from collections.abc import Sequence

import numpy as np

from ..spaces import Architecture, count_parameters
from ..typing import FloatArray

BASELINE = "parameters"
"""Its name among the predictors of a leaderboard."""


class ParameterCount:
    """One feature, the number of parameters, and a straight line through the training cells."""

    def __init__(self) -> None:
        self._slope = 0.0
        self._offset = 0.0

    def fit(self, cells: Sequence[Architecture], y: FloatArray) -> "ParameterCount":
        """Fit the line by least squares to values ``(n,)``."""
        count = self.rank(cells)
        spread = count - count.mean()
        squares = float(spread @ spread)
        # Training cells of one size tell nothing about the slope.
        self._slope = float(spread @ y) / squares if squares > 0 else 0.0
        self._offset = float(np.mean(y)) - self._slope * float(count.mean())
        return self

    def predict(self, cells: Sequence[Architecture]) -> FloatArray:
        """Return the line's values ``(n,)``, in the unit of the training values."""
        return self._offset + self._slope * self.rank(cells)

    def rank(self, cells: Sequence[Architecture]) -> FloatArray:
        """Return the parameters in millions, ``(n,)``: more is taken to rank higher."""
        return np.array([count_parameters(cell) for cell in cells]) / 1e6

"""What values a quantity can have, so that nothing else is predicted of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from .._parts import LARGEST_VALUE, tensor
from ..errors import InvalidModelError
from ..targets import range_of
from ..typing import FloatArray

_MARGIN_OF_ACCURACY = 1e-6
"""So near to an end of [0, 1] expected accuracies are bent: less than one image in any test set."""

_MARGIN_OF_UNKNOWN = 1e-100
"""So near to 0 positive values are bent where none was measured: nobody's unit is that large."""


@dataclass(frozen=True)
class TargetRanges:
    """The ranges of m targets.

    Args:
        targets: Names, which may say what values can be, see :func:`range_of`.
        kept: Whether all values that were measured are in the range that the name says, ``(m,)``;
            where they are not, there is none.
        smallest: The least value that was measured, ``(m,)``; 0 where none was.
    """

    targets: tuple[str, ...]
    kept: npt.NDArray[np.bool_] = tensor("bool", "m")
    smallest: FloatArray = tensor("float64", "m", most=LARGEST_VALUE)

    def check(self) -> None:
        """Refuse names that are not one for each target.

        Raises:
            InvalidModelError: If they are others.
        """
        if len(self.targets) != len(self.kept):
            msg = f"ranges: expected {len(self.kept)} targets, got {len(self.targets)}"
            raise InvalidModelError(msg)

    @classmethod
    def of(cls, targets: Sequence[str], values: FloatArray) -> Self:
        """Return the ranges of targets of which values ``(n, m)`` were measured; n may be 0."""
        names = tuple(targets)
        if not len(values):
            return cls(names, np.ones(len(names), dtype=np.bool_), np.zeros(len(names)))
        lower, upper = _ranges_of(names)
        smallest, largest = values.min(axis=0), values.max(axis=0)
        # A latency of 0 is no latency, an accuracy of 0 is one:
        # open ends where there is no upper one.
        above = np.where(np.isinf(upper), smallest > lower, smallest >= lower)
        return cls(names, above & (largest <= upper), smallest)

    @cached_property
    def lower(self) -> FloatArray:
        """What no value is below, ``(m,)``; minus infinity where there is no range."""
        return np.where(self.kept, _ranges_of(self.targets)[0], -np.inf)

    @cached_property
    def upper(self) -> FloatArray:
        """What no value is above, ``(m,)``."""
        return np.where(self.kept, _ranges_of(self.targets)[1], np.inf)

    @cached_property
    def _margin(self) -> FloatArray:
        """How near to an end expected values are bent, ``(m,)``."""
        # Below half of the least that was measured nothing is known of a positive value.
        of_positive = np.where(self.smallest > 0, self.smallest / 2, _MARGIN_OF_UNKNOWN)
        return np.where(np.isinf(self.upper), of_positive, _MARGIN_OF_ACCURACY)

    def bend(self, mean: FloatArray) -> FloatArray:
        """Return expected values ``(n, m)`` inside their ranges, in the same order.

        What is farther from an end than the margin stays to the bit; the rest, and all outside,
        goes into the margin.
        """
        above = self.lower + _softly_positive(mean - self.lower, self._margin)
        bent = np.where(np.isfinite(self.lower) & (mean < self.lower + self._margin), above, mean)
        below = self.upper - _softly_positive(self.upper - mean, self._margin)
        is_high = np.isfinite(self.upper) & (mean > self.upper - self._margin)
        return np.where(is_high, below, bent)

    def interval(
        self, mean: FloatArray, half: FloatArray, middle: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Return the ends of ``middle`` plus and minus ``half``, inside their ranges.

        What can be measured and was inside still is; so is the bent mean.

        Args:
            mean: As a model says it, ``(n, m)``.
            half: Half widths, ``(n, m)``, at least 0; infinite ones reach the ends of the range.
            middle: Of the intervals, ``(n, m)``; None where that is the mean.
        """
        middle = mean if middle is None else middle
        expected = self.bend(mean)
        # A mean far outside is clipped to the end, the bent one lies beside it: it stays inside.
        lower = np.minimum(np.clip(middle - half, self.lower, self.upper), expected)
        upper = np.maximum(np.clip(middle + half, self.lower, self.upper), expected)
        return lower, upper


def _softly_positive(x: FloatArray, margin: FloatArray) -> FloatArray:
    """Return margin / (2 - x / margin) below the margin: above 0, rising, of slope 1 at the end."""
    bent: FloatArray = margin / (2 - np.minimum(x, margin) / margin)
    return bent


def _ranges_of(targets: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    """Return the lower and upper ends that names say, both ``(m,)``."""
    lower, upper = np.array([range_of(name) for name in targets]).reshape(-1, 2).T
    return lower, upper

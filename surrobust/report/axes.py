"""From numbers to places on a drawing, and the ticks between them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Axis:
    """A linear axis.

    Args:
        low: Number at ``start``.
        high: Number at ``stop``.
        start: Place of ``low`` on the drawing, in pixels.
        stop: Place of ``high``.
    """

    low: float
    high: float
    start: float
    stop: float

    def __call__(self, number: float) -> float:
        """Return the place of a number, rounded to a tenth of a pixel."""
        share = (number - self.low) / (self.high - self.low)
        return round(self.start + share * (self.stop - self.start), 1)

    def ticks(self, n: int = 5) -> list[float]:
        """Return about ``n`` round numbers on the axis."""
        raw = (self.high - self.low) / n
        power = 10.0 ** math.floor(math.log10(raw))
        step = next(s * power for s in (1.0, 2.0, 5.0, 10.0) if s * power >= raw * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [k * step for k in range(first, last + 1)]


def axis_around(numbers: Sequence[float], start: float, stop: float) -> Axis:
    """Return an axis that holds all numbers with a little air.

    Args:
        numbers: Finite, at least one.
        start: Place of the lower end.
        stop: Place of the upper end.
    """
    low, high = min(numbers), max(numbers)
    air = 0.06 * (high - low) or abs(high) * 0.1 or 1.0
    return Axis(low - air, high + air, start, stop)


def format_number(number: float) -> str:
    """Return a number as an axis or a table shows it."""
    if 1e4 <= abs(number) < 1e9:
        return f"{number:,.0f}"
    if number == 0 or 1e-3 <= abs(number) < 1e4:
        return f"{number:.4f}".rstrip("0").rstrip(".") if abs(number) < 100 else f"{number:.5g}"
    return f"{number:.3g}"

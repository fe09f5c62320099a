"""What an attacker may do: how far, in which norm, from where to where."""

import math
from dataclasses import dataclass
from typing import Any, Self

from ._checks import brief, check_choice
from .errors import InvalidInputError

NORMS = ("Linf", "L2")
"""The norms in which a perturbation is measured."""

_PIXEL = 255


@dataclass(frozen=True, slots=True)
class ThreatModel:
    """The set of images that an attacker may show instead of an image.

    Written as text, ``Linf-8`` is Linf with 8/255 and ``L2-0.5`` is L2 with 0.5; :meth:`parse`
    reads what :meth:`format` writes.

    Args:
        epsilon: Radius of the ball on the [0, 1] pixel scale, at least 0.
        norm: One of :data:`NORMS`.
        bounds: Range of a pixel.

    Raises:
        InvalidInputError: If one of them is not what was expected.
    """

    epsilon: float
    norm: str = "Linf"
    bounds: tuple[float, float] = (0.0, 1.0)

    def __post_init__(self) -> None:
        check_choice("norm", self.norm, NORMS)
        if not _is_number(self.epsilon) or self.epsilon < 0:
            msg = f"epsilon: expected a number of at least 0, got {brief(self.epsilon)}"
            raise InvalidInputError(msg)
        object.__setattr__(self, "epsilon", float(self.epsilon))
        # Above 1 a radius of Linf was given in 1/255; in L2 it may well be above 1.
        if self.norm == "Linf" and self.epsilon > 1:
            fix = f"{self.epsilon:g}/255 is {self.epsilon / _PIXEL:.4g}"
            msg = f"epsilon: expected at most 1 on the [0, 1] pixel scale, got {self.epsilon:g}"
            raise InvalidInputError(f"{msg} ({fix})")
        low, high = self.bounds
        if not (_is_number(low) and _is_number(high) and low < high):
            msg = f"bounds: expected (low, high) with low < high, got {brief(self.bounds)}"
            raise InvalidInputError(msg)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``Linf-8`` (in 1/255) or ``L2-0.5``.

        Raises:
            InvalidInputError: If it is not such a text.
        """
        norm, _, radius = str(text).partition("-")
        try:
            number = float(radius)
        except ValueError:
            msg = f"threat model: expected a text such as Linf-8 or L2-0.5, got {brief(text)}"
            raise InvalidInputError(msg) from None
        return cls(number / _PIXEL if norm == "Linf" else number, norm)

    def format(self) -> str:
        """Return the text that :meth:`parse` reads; bounds other than [0, 1] are not written."""
        number = self.epsilon * _PIXEL if self.norm == "Linf" else self.epsilon
        # 0.03 * 255 is 7.6499999999999995: twelve digits leave out what is rounding.
        return f"{self.norm}-{number:.12g}"

    def __str__(self) -> str:
        return self.format()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)

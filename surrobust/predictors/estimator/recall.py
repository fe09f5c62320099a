"""The last answer, so that a prediction and its interval cost one posterior."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ...spaces import Architecture
from ...typing import FloatArray

_MOST = 2**22
"""Numbers that are kept, 32 MiB: all 15625 cells of 89 targets."""


class Moments(NamedTuple):
    """What a model says of n cells and m targets, all ``(n, m)``.

    Args:
        mean: Expected values.
        std: Standard deviations of these.
        measured: Standard deviations of a measurement about them.
    """

    mean: FloatArray
    std: FloatArray
    measured: FloatArray


@dataclass(frozen=True, eq=False)
class _Answer:
    fit: object
    cells: Sequence[Architecture]
    moments: Moments


class LastAnswer:
    """Answers questions from the last answer, or by asking anew.

    Threads may ask at the same time: what is kept is read once and written once, so that one may
    compute what another has just computed, and no more.
    """

    def __init__(self) -> None:
        self._last: _Answer | None = None

    def forget(self) -> None:
        """Give up what is kept."""
        self._last = None

    def moments(
        self,
        fit: object,
        cells: Sequence[Architecture],
        ask: Callable[[Sequence[Architecture]], Moments],
    ) -> Moments:
        """Return the moments of cells.

        Args:
            fit: What they are asked of: an object that lives as long as the fit does.
            cells: n cells.
            ask: Computes them.
        """
        last = self._last
        # Of the same cells in the same order.
        if last is None or last.fit is not fit or last.cells != cells:
            last = _Answer(fit, cells, ask(cells))
        self._last = last if 3 * last.moments.mean.size <= _MOST else None
        return last.moments

"""The last answer, so that a prediction and its interval cost one posterior."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from ...spaces import Architecture
from ...typing import FloatArray

Moments: TypeAlias = tuple[FloatArray, FloatArray]
"""Means and standard deviations, both ``(n, m)``."""

MomentsByKind: TypeAlias = Mapping[bool, Moments]
"""Moments of measurements (True) and of what is expected (False), or one of the two."""

_MOST = 2**22
"""Numbers that are kept, 32 MiB: all 15625 cells of 67 targets."""


@dataclass(frozen=True, eq=False)
class LastMoments:
    """What a fit says of the cells that were asked about last.

    Args:
        fit: What stands for the fit; another is another object.
        cells: n cells.
        moments: As far as asked for.
    """

    fit: object
    cells: Sequence[Architecture]
    moments: dict[bool, Moments] = field(default_factory=dict)

    def is_of(self, fit: object, cells: Sequence[Architecture]) -> bool:
        """Return whether this is the same fit's, of the same cells in the same order."""
        return self.fit is fit and self.cells == cells

    @property
    def is_small(self) -> bool:
        """Whether both kinds of moments may be kept until the next question."""
        return all(4 * mean.size <= _MOST for mean, _ in self.moments.values())


class LastAnswer:
    """Answers questions from the last answer, or by asking anew.

    Threads may ask at the same time: what is kept is read once and written once, so that one may
    compute what another has just computed, and no more.
    """

    def __init__(self) -> None:
        self._last: LastMoments | None = None

    def forget(self) -> None:
        """Give up what is kept."""
        self._last = None

    def moments(
        self,
        fit: object,
        cells: Sequence[Architecture],
        of_measurements: bool,
        ask: Callable[[Sequence[Architecture], bool], MomentsByKind],
    ) -> Moments:
        """Return the moments of cells.

        Args:
            fit: What they are asked of: an object that lives as long as the fit does.
            cells: n cells.
            of_measurements: Which moments.
            ask: Computes those, and the others too where that costs nothing.
        """
        last = self._last
        if last is None or not last.is_of(fit, cells):
            last = LastMoments(fit, cells)
        if of_measurements not in last.moments:
            last.moments.update(ask(cells, of_measurements))
        self._last = last if last.is_small else None
        return last.moments[of_measurements]

"""What a peer has to do, and what is counted of what it does."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

from ...spaces import Architecture

MAX_REPEATS = 100
"""Suggestions in a row of what is known already that cost a peer nothing."""


class AbstractPeer(ABC):
    """A searcher of others over the cells of NAS-Bench-201.

    Our strategies ask for a representative once. A peer suggests cells, and may come back to one,
    or to another cell of the same isomorphism class: it is told the known value and that costs it
    no evaluation, up to ``MAX_REPEATS`` times in a row; the next one counts as an evaluation that
    found nothing.

    Args:
        budget: Evaluations it will have.
        seed: Of its random choices.

    Attributes:
        plans_ahead: Whether what it does first depends on the budget, so that a shorter run is
            not the beginning of a longer one.
    """

    plans_ahead: ClassVar[bool] = False

    def __init__(self, *, budget: int, seed: int = 0) -> None:
        self.budget = budget
        self.seed = seed

    @classmethod  # noqa: B027
    def check_installed(cls) -> None:
        """Refuse a peer whose library is not here.

        Raises:
            InvalidInputError: If so.
        """

    def spend(self, measure: Callable[[Architecture], float]) -> list[Architecture]:
        """Spend the budget and return the representative of each evaluation.

        Args:
            measure: Representative to value, higher is better.
        """
        known: dict[Architecture, float] = {}
        spent: list[Architecture] = []
        repeats = 0
        while len(spent) < self.budget:
            cell = self._suggest().representative
            repeats = repeats + 1 if cell in known else 0
            if not repeats:
                known[cell] = measure(cell)
            if not repeats or repeats > MAX_REPEATS:
                spent.append(cell)
                repeats = 0
            self._learn(known[cell])
        self._close()
        return spent

    @abstractmethod
    def _suggest(self) -> Architecture:
        """Return the next cell, which may be a known one."""

    @abstractmethod
    def _learn(self, value: float) -> None:
        """Take note of the value of what was suggested last."""

    def _close(self) -> None:  # noqa: B027
        """Give back what was taken."""

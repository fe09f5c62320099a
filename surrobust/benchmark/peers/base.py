"""What a peer has to do, and what is counted of what it does."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from importlib.util import find_spec
from typing import ClassVar

from ...errors import InvalidInputError
from ...spaces import Architecture

MAX_REPEATS = 100
"""Suggestions in a row of what is known already that cost a peer nothing."""


class Account:
    """What a peer has measured, and what it is charged for.

    Args:
        measure: Representative to value, higher is better.
        budget: Evaluations to be spent.
        max_repeats: Suggestions in a row of what is known that cost nothing.

    Attributes:
        spent: The representative of each evaluation.
    """

    def __init__(
        self, measure: Callable[[Architecture], float], budget: int, *, max_repeats: int
    ) -> None:
        self.spent: list[Architecture] = []
        self._measure = measure
        self._budget = budget
        self._max_repeats = max_repeats
        self._known: dict[str, tuple[Architecture, float]] = {}
        self._repeats = 0

    @property
    def is_spent(self) -> bool:
        """Whether no evaluation is left."""
        return len(self.spent) >= self._budget

    def value_of(self, suggested: Architecture) -> float:
        """Return the value of what was suggested, measured or known, and charge for it."""
        function = suggested.function_class
        self._repeats = self._repeats + 1 if function in self._known else 0
        if not self._repeats:
            cell = suggested.representative
            self._known[function] = cell, self._measure(cell)
        cell, value = self._known[function]
        # A peer that only comes back would never end; charged for, it does.
        if not self._repeats or self._repeats > self._max_repeats:
            self.spent.append(cell)
            self._repeats = 0
        return value


class AbstractPeer(ABC):
    """A searcher of others over the cells of NAS-Bench-201.

    Our strategies measure one representative of a function class while other classes are left. A
    peer suggests cells, and may come back to one, or to another cell of the same function class:
    it is told the value of that class and that costs it no evaluation, up to ``max_repeats`` times
    in a row; the next one counts as an evaluation that found nothing.

    Args:
        budget: Evaluations it will have.
        seed: Of its random choices.

    Attributes:
        plans_ahead: Whether what it does first depends on the budget, so that a shorter run is
            not the beginning of a longer one.
        libraries: The modules that it needs, beyond what the package needs, and how each is
            installed.
        max_repeats: Suggestions in a row of what is known that cost it nothing.

    Raises:
        InvalidInputError: If a library is not installed.
    """

    plans_ahead: ClassVar[bool] = False
    libraries: ClassVar[dict[str, str]] = {}
    max_repeats: ClassVar[int] = MAX_REPEATS

    def __init__(self, *, budget: int, seed: int = 0) -> None:
        self.check_installed()
        self.budget = budget
        self.seed = seed

    @classmethod
    def check_installed(cls) -> None:
        """Refuse a peer whose library is not here.

        Raises:
            InvalidInputError: If so.
        """
        for module, how in cls.libraries.items():
            if not _is_installed(module):
                msg = (
                    f"strategy: expected {module} to be installed for {cls.__name__} "
                    f"({how}), got no module {module}"
                )
                raise InvalidInputError(msg)

    @abstractmethod
    def spend(self, measure: Callable[[Architecture], float]) -> list[Architecture]:
        """Spend the budget and return the representative of each evaluation.

        Args:
            measure: Representative to value, higher is better.
        """


class AbstractAskedPeer(AbstractPeer):
    """A peer that is asked for a cell and told its value, one after another."""

    def spend(self, measure: Callable[[Architecture], float]) -> list[Architecture]:
        """Spend the budget and return the representative of each evaluation.

        Args:
            measure: Representative to value, higher is better.
        """
        account = Account(measure, self.budget, max_repeats=self.max_repeats)
        while not account.is_spent:
            self._learn(account.value_of(self._suggest()))
        self._close()
        return account.spent

    @abstractmethod
    def _suggest(self) -> Architecture:
        """Return the next cell, which may be a known one."""

    @abstractmethod
    def _learn(self, value: float) -> None:
        """Take note of the value of what was suggested last."""

    def _close(self) -> None:
        """Give back what was taken."""


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ModuleNotFoundError, ValueError):  # its parent is not there, or was made unimportable
        return False

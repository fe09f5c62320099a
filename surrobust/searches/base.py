"""What every search strategy promises: ask for architectures, be told their values."""

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np

from .._checks import brief, check_integer
from .._random import as_generator
from ..errors import InvalidInputError
from ..spaces import AbstractSearchSpace, Architecture
from ..typing import Seed


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One measured value of one architecture, or that measuring it failed.

    Args:
        architecture: A representative.
        value: What was measured, in the unit of the target; NaN where that failed.
        trial: Its number in the search, from 0.
        source: Where the value is from, such as ``table``.
        values: Where there are several objectives, all of their values; ``value`` is the first.
        bounded: The quantities that have bounds, in the order of these.
        error: Why measuring failed, on one line; empty where it did not.
    """

    architecture: Architecture
    value: float
    trial: int
    source: str
    values: tuple[float, ...] = ()
    bounded: tuple[float, ...] = ()
    error: str = ""

    @property
    def failed(self) -> bool:
        """Whether there is no value, because measuring failed."""
        return bool(self.error)


class AbstractSearch(ABC):
    """A strategy that maximises a value, one architecture after another.

    The base sees to it that every architecture asked for is the representative of its
    isomorphism class and is asked for once, and that no function class is asked for twice while
    others are left. A variant implements :meth:`_propose` and, if it learns from values,
    :meth:`_learn`; it draws every random number from ``self.rng``.

    Args:
        space: The search space.
        candidates: The architectures that may be asked for, in any written form; None means all
            of the space.
        seed: Seed or generator of every random choice.

    Raises:
        InvalidInputError: If there is no candidate.
    """

    def __init__(
        self,
        space: AbstractSearchSpace[Architecture],
        *,
        candidates: Iterable[Any] | None = None,
        seed: Seed = 0,
    ) -> None:
        self.space: Final = space
        self.rng: Final = as_generator(seed)
        self._classes = _classes_of(space if candidates is None else candidates)
        if not self._classes:
            msg = "candidates: expected at least one architecture, got none"
            raise InvalidInputError(msg)
        self._untouched = set(self._classes)
        # Every untouched class has all its members left, so untouched is a part of left.
        self._left = {name: list(members) for name, members in self._classes.items()}
        self._seen: set[Architecture] = set()
        self._values: dict[Architecture, float] = {}
        self._failed: list[Architecture] = []  # before any value was told
        self._queued: list[Architecture] = []

    @property
    def values(self) -> dict[Architecture, float]:
        """Every value told so far by its representative, in the order of telling.

        Those that failed have the worst value that was told by then.
        """
        return dict(self._values)

    @property
    def n_left(self) -> int:
        """How many representatives have not been asked for or told."""
        return sum(map(len, self._left.values()))

    @property
    def n_functions(self) -> int:
        """How many function classes the candidates have."""
        return len(self._classes)

    def ask(self, n: int = 1) -> list[Architecture]:
        """Return ``n`` representatives to measure, fewer if fewer are left, none at the end.

        Raises:
            InvalidInputError: If ``n`` is not a positive integer.
        """
        asked: list[Architecture] = []
        for _ in range(check_integer("n", n, minimum=1)):
            if not self._left:
                break
            chosen = self._next_queued() or self._propose()
            if not self.is_open(chosen):
                msg = f"{type(self).__name__} proposed {chosen.code}, which may not be asked for"
                raise RuntimeError(msg)
            self._mark(chosen)
            asked.append(chosen)
        return asked

    def enqueue(self, architectures: Iterable[Any]) -> None:
        """Ask for these before any others, in this order; those not open by then are left out.

        Raises:
            InvalidArchitectureError: If one is not an architecture.
        """
        self._queued += [Architecture.parse(cell).representative for cell in architectures]

    def tell(self, architecture: Any, value: float) -> None:
        """Report a measured value, of an architecture asked for or of any other.

        Args:
            architecture: In any written form; it stands for its isomorphism class.
            value: A finite number, higher is better.

        Raises:
            InvalidArchitectureError: If it is not an architecture.
            InvalidInputError: If its value was told before, or the value is not finite.
        """
        cell = self._check_new(architecture)
        number = check_value(value)
        self._mark(cell)
        self._values[cell] = number
        self._learn(cell, number)
        # Emptied before they are told: those in the list count as
        # told already. Now there is a worst value.
        failed, self._failed = self._failed, []
        for one in failed:
            self.tell(one, *self._worst())

    def tell_failed(self, architecture: Any) -> None:
        """Report that measuring an architecture failed: it counts as the worst told so far.

        Where nothing was told yet, it counts as the first value that will be.

        Raises:
            InvalidArchitectureError: If it is not an architecture.
            InvalidInputError: If it was told before.
        """
        cell = self._check_new(architecture)
        self._mark(cell)
        if self._values:
            self.tell(cell, *self._worst())
        else:
            self._failed.append(cell)

    def expect(self, architecture: Any) -> None:
        """Take note that somebody else measures an architecture: it is not asked for any more.

        Raises:
            InvalidArchitectureError: If it is not an architecture.
        """
        self._mark(Architecture.parse(architecture).representative)

    def reseed(self, *words: int) -> None:
        """Draw all random numbers to come from other seeds, integers of at least 0."""
        # The generator itself stays: strategies and samplers may hold it.
        self.rng.bit_generator.state = np.random.default_rng(words).bit_generator.state
        self._reseeded()

    def is_open(self, architecture: Architecture) -> bool:
        """Return whether ``architecture`` may be asked for now."""
        name = architecture.function_class
        return architecture in self._left.get(name, ()) and self._is_class_open(name)

    def open_representative(self, architecture: Architecture) -> Architecture | None:
        """Return an open representative that computes what ``architecture`` computes, if any.

        The architecture's own representative comes first, then a random one of its class.
        """
        name = architecture.function_class
        if name not in self._left or not self._is_class_open(name):
            return None
        own = architecture.representative
        if own in self._left[name]:
            return own
        return self._left[name][int(self.rng.integers(len(self._left[name])))]

    def draw_open(self) -> Architecture:
        """Return an open representative, drawn uniformly."""
        # In the order of self._left, which is that of indices: a
        # set has none, and draws would differ.
        names = [name for name in self._left if name in self._untouched] or self._left
        cells = [cell for name in names for cell in self._left[name]]
        return cells[int(self.rng.integers(len(cells)))]

    @abstractmethod
    def _propose(self) -> Architecture:
        """Return one open representative; there is at least one."""

    def _learn(self, architecture: Architecture, value: float) -> None:  # noqa: B027
        """Take note of a value; ``self.values`` holds it already."""

    def _reseeded(self) -> None:  # noqa: B027
        """Draw anew what was seeded by ``self.rng`` at the start."""

    def _worst(self) -> tuple[Any, ...]:
        """Return what :meth:`tell` takes of the worst architecture there may be so far."""
        return (min(self._values.values()),)

    def _check_new(self, architecture: Any) -> Architecture:
        """Return the representative, if nothing was told of it.

        Raises:
            InvalidArchitectureError: If it is not an architecture.
            InvalidInputError: If something was.
        """
        cell = Architecture.parse(architecture).representative
        if cell in self._values or cell in self._failed:
            msg = f"architecture: expected one not told before, got {cell.code} again"
            raise InvalidInputError(msg)
        return cell

    def _next_queued(self) -> Architecture | None:
        while self._queued:
            cell = self._queued.pop(0)
            if self.is_open(cell):
                return cell
        return None

    def _is_class_open(self, name: str) -> bool:
        return name in self._untouched or not self._untouched

    def _mark(self, architecture: Architecture) -> None:
        """Take a representative out of what is left, and its class out of the untouched."""
        if architecture in self._seen:
            return
        self._seen.add(architecture)
        name = architecture.function_class
        self._untouched.discard(name)
        if architecture in self._left.get(name, ()):
            self._left[name].remove(architecture)
            if not self._left[name]:
                del self._left[name]


def check_value(value: Any) -> float:
    """Return ``value`` as a float if it is a finite number.

    Raises:
        InvalidInputError: If it is not.
    """
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if isinstance(value, bool | str) or not math.isfinite(number):
        msg = f"value: expected a finite number, got {brief(value)}"
        raise InvalidInputError(msg)
    return number


def _classes_of(candidates: Iterable[Any]) -> dict[str, tuple[Architecture, ...]]:
    """Return the representatives of ``candidates`` by function class, each by ascending index."""
    if isinstance(candidates, AbstractSearchSpace):
        return _classes_of_space(type(candidates))
    return _group({Architecture.parse(cell).representative for cell in candidates})


@cache
def _classes_of_space(
    space: type[AbstractSearchSpace[Architecture]],
) -> dict[str, tuple[Architecture, ...]]:
    return _group({cell.representative for cell in space()})


def _group(cells: Iterable[Architecture]) -> dict[str, tuple[Architecture, ...]]:
    classes: dict[str, list[Architecture]] = {}
    for cell in sorted(cells, key=lambda cell: cell.index):
        classes.setdefault(cell.function_class, []).append(cell)
    return {name: tuple(members) for name, members in classes.items()}


@cache
def count_by_function(space: type[AbstractSearchSpace[Architecture]]) -> Counter[str]:
    """Return how many cells of a space compute each function."""
    return Counter(cell.function_class for cell in space())

"""The protocol: one search on one table, and what is kept of it."""

import time
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..._checks import brief, check_choice
from ...errors import InvalidInputError
from ...searches import SEARCHES, run
from ...sessions import make_search
from ...spaces import Architecture, NASBench201, representative_indices, representatives_by_index
from ...tables import load_table
from ...targets import Target
from ...typing import AnyPath, FloatArray
from ..peers import PEERS

BUDGETS = (20, 50, 100)
"""Evaluations after which searches are compared."""

STRATEGIES = (
    "default",
    "surrogate",
    "random",
    "local_search",
    "evolution",
    "nsga2",
    "tpe",
    "optuna-random",
    "optuna-tpe",
    "optuna-nsgaii",
)
"""What is compared where nothing is named: what only values guide, and peers that are quick."""


@dataclass(frozen=True, slots=True)
class Climb:
    """What a search had found when: its incumbents.

    Written as ``1:5213 4:88``: the first evaluation, of architecture 5213, was the best until the
    fourth, of architecture 88.

    Args:
        steps: Evaluation, counted from 1, and index of the representative, ascending.

    Raises:
        InvalidInputError: If the first is not that of evaluation 1, they do not ascend, or an
            index is not a representative's.
    """

    steps: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        numbers = [number for number, _ in self.steps]
        ascending = all(a < b for a, b in pairwise(numbers))
        known = all(_is_representative(index) for _, index in self.steps)
        if numbers[:1] != [1] or not ascending or not known:
            msg = f"climb: expected incumbents such as 1:5213 4:88, got {brief(str(self))}"
            raise InvalidInputError(msg)

    @classmethod
    def parse(cls, text: str) -> "Climb":
        """Read what ``str`` writes.

        Raises:
            InvalidInputError: If it is not that.
        """
        try:
            pairs = [part.split(":") for part in text.split()]
            steps = tuple((int(number), int(index)) for number, index in pairs)
        except ValueError:
            msg = f"climb: expected incumbents such as 1:5213 4:88, got {brief(text)}"
            raise InvalidInputError(msg) from None
        return cls(steps)

    def __str__(self) -> str:
        return " ".join(f"{number}:{index}" for number, index in self.steps)

    def incumbent(self, evaluations: int) -> Architecture:
        """Return the best representative of the first ``evaluations``, at least 1."""
        place = bisect_right([number for number, _ in self.steps], evaluations)
        return NASBench201()[self.steps[place - 1][1]]


@dataclass(frozen=True, slots=True)
class SearchRun:
    """One search on one target.

    Args:
        strategy: Name in ``SEARCHES`` or ``PEERS``.
        target: Target key.
        seed: Of the strategy.
        budget: Evaluations it was given.
        climb: Its incumbents.
        seconds: Time of the strategy itself, without the measuring.
    """

    strategy: str
    target: str
    seed: int
    budget: int
    climb: Climb
    seconds: float

    @property
    def key(self) -> tuple[str, str, int, int]:
        """What was run, without what came out."""
        return self.strategy, self.target, self.seed, self.budget

    def serves(self, budget: int) -> bool:
        """Return whether its beginning is what a run with this budget does."""
        return budget == self.budget or (budget < self.budget and not plans_ahead(self.strategy))


def _is_representative(index: int) -> bool:
    known = representatives_by_index()
    return 0 <= index < len(known) and known[index] == index


def known_strategies() -> list[str]:
    """Return the names that can be run: ours, then the peers'."""
    return [*SEARCHES, *PEERS]


def plans_ahead(strategy: str) -> bool:
    """Return whether a strategy does something else from the start where the budget is another."""
    return strategy in PEERS and PEERS[strategy].plans_ahead


def to_be_found(target: str, *, data_dir: AnyPath | None = None) -> float:
    """Return the best value of a target over all representatives."""
    table = load_table(Target.parse(target).benchmark, data_dir=data_dir)
    values = _of_representatives(table.values(target))
    return float(np.nanmax(values) if Target.parse(target).higher_is_better else np.nanmin(values))


def _of_representatives(values: FloatArray) -> FloatArray:
    """Return those of a column that are of representatives: all, or those of every cell."""
    indices = representative_indices()
    return values if len(values) == len(indices) else values[np.asarray(indices)]


def search_once(
    strategy: str, target: str, *, budget: int, seed: int, data_dir: AnyPath | None = None
) -> SearchRun:
    """Run one search on a table, cold: it knows no other target and no earlier search.

    All 15625 cells are searched. An evaluation is one of the 6466 representatives, and of a
    function class one is measured while other classes are left: ours ask for no other, peers that
    suggest another are told the value of its class for nothing (:class:`AbstractPeer`).
    ``zero_cost`` alone knows something beforehand: what other image sets taught.

    Raises:
        InvalidInputError: If a name is not known, or a peer is not installed.
        MissingMeasurementError: If a representative has no value.
    """
    check_choice("strategy", strategy, known_strategies())
    table = load_table(Target.parse(target).benchmark, data_dir=data_dir)
    sign = 1.0 if Target.parse(target).higher_is_better else -1.0
    measuring = 0.0

    def measure(cell: Architecture) -> float:
        nonlocal measuring
        start = time.perf_counter()
        value = sign * table.query(cell, target)
        measuring += time.perf_counter() - start
        return value

    start = time.perf_counter()
    if strategy in PEERS:
        # Peers import their libraries as they are made: the first run pays for that in its seconds.
        cells = PEERS[strategy](budget=budget, seed=seed).spend(measure)
    else:
        search = make_search(strategy, seed=seed, target=target)
        cells = [e.architecture for e in run(search, measure, budget=budget, source="table")]
    seconds = time.perf_counter() - start - measuring
    # After the clock was read: looked up again, as peers return cells without values.
    climb = Climb(_incumbents(cells, [measure(cell) for cell in cells]))
    return SearchRun(strategy, target, seed, budget, climb, seconds)


def _incumbents(cells: list[Architecture], values: list[float]) -> tuple[tuple[int, int], ...]:
    """Return when a better cell was found, counted from 1, and its index."""
    before = np.maximum.accumulate([-np.inf, *values[:-1]])
    # Strictly: of equals the first is the incumbent.
    better = np.flatnonzero(np.asarray(values) > before)
    return tuple((int(i) + 1, cells[i].index) for i in better)

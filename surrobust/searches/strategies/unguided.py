"""Strategies that no measurement steers: chance, a ranking, what a gradient search prefers."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from ..._checks import brief
from ...errors import InvalidInputError
from ...spaces import (
    OPS,
    AbstractSearchSpace,
    Architecture,
    NASBench201,
    count_parameters,
    representatives_by_index,
)
from ...typing import FloatArray, Seed
from ..base import AbstractSearch
from ..multiobjective import AbstractSeveralSearch


class RandomSearch(AbstractSeveralSearch):
    """Draw every architecture uniformly from the representatives that are open."""

    def _propose(self) -> Architecture:
        return self.draw_open()


class ZeroCostSearch(AbstractSearch):
    """Ask for the architectures in the order of scores known beforehand, the highest first.

    It learns nothing from values. Architectures without a score come last, those with more
    parameters first; what is equal is in random order.

    Args:
        space: See :class:`AbstractSearch`.
        scores: Finite scores by representative, higher is better; None takes parameter counts.
        candidates: See :class:`AbstractSearch`.
        seed: See :class:`AbstractSearch`.

    Raises:
        InvalidInputError: If a score is not a finite number, or there is no candidate.
    """

    def __init__(
        self,
        space: AbstractSearchSpace[Architecture],
        *,
        scores: Mapping[Architecture, float] | None = None,
        candidates: Iterable[Any] | None = None,
        seed: Seed = 0,
    ) -> None:
        super().__init__(space, candidates=candidates, seed=seed)
        self._scores = {} if scores is None else dict(scores)
        wrong = [value for value in self._scores.values() if not np.isfinite(value)]
        if wrong:
            msg = f"scores: expected finite numbers, got {brief(wrong[0])}"
            raise InvalidInputError(msg)
        self._order()

    def ranking(self, n: int) -> list[Architecture]:
        """Return the ``n`` open representatives that would be asked for next, fewer if fewer are.

        Nothing is marked as asked for. Of a function class, only the first is listed.
        """
        found: dict[str, Architecture] = {}
        for cell in self._queue:
            if len(found) == n:
                break
            if self.is_open(cell):
                found.setdefault(cell.function_class, cell)
        return list(found.values())

    def _propose(self) -> Architecture:
        return next(cell for cell in self._queue if self.is_open(cell))

    def _reseeded(self) -> None:
        self._order()

    def _order(self) -> None:
        cells = [cell for members in self._classes.values() for cell in members]
        # Shuffled and then sorted, which is stable: what is equal stays in random order.
        cells = [cells[i] for i in self.rng.permutation(len(cells))]
        self._queue = sorted(cells, key=self._rank)

    def _rank(self, cell: Architecture) -> tuple[bool, float, int]:
        score = self._scores.get(cell)
        return (score is None, 0.0 if score is None else -score, -count_parameters(cell))


_ZERO = OPS.index("none")
_LAST = 1e6
"""What a zero on an edge costs: cells with zeros come after all others."""


@dataclass(frozen=True)
class Preference:
    """Where a gradient search ended.

    Args:
        probabilities: Weight of each op on each edge, ``(roles, 6, 5)``, positive, in the order of
            ``EDGES`` and ``OPS``.
        shares: How much of the network each role has, ``(roles,)``, summing to 1.
        first: The cells that it derived, in the order in which they are to be measured.

    Raises:
        InvalidInputError: If the shapes do not fit, or a probability is not positive.
    """

    probabilities: FloatArray
    shares: tuple[float, ...]
    first: tuple[Architecture, ...]

    def __post_init__(self) -> None:
        expected = (len(self.shares), 6, len(OPS))
        if self.probabilities.shape != expected or not (self.probabilities > 0).all():
            got = f"{self.probabilities.shape}, least {brief(float(self.probabilities.min()))}"
            msg = f"probabilities: expected positive numbers of shape {expected}, got {got}"
            raise InvalidInputError(msg)

    def scores(self) -> FloatArray:
        """Return a score of each of the 15625 cells by its index, higher is better.

        The logarithm of the cell's probability, averaged over roles by their shares: the tables
        know networks of one cell only, so that it has to stand in for all.
        """
        # (roles,) by (roles, 6, 5): (6, 5).
        logs = np.tensordot(np.array(self.shares), np.log(self.probabilities), axes=1)
        logs[:, _ZERO] -= _LAST
        return logs[np.arange(6), _ops()].sum(axis=1)


class RelaxedSearch(AbstractSearch):
    """Ask for the cells that a gradient search derived, then for others by their probability.

    The gradient search runs once, when the first architecture is asked for, and learns nothing
    from values. With a budget of 1 its own cell is all that is measured. A representative scores
    as the most probable cell that is isomorphic to it; what is equal is in random order.

    Args:
        space: See :class:`AbstractSearch`.
        source: Runs the gradient search, or reads what one ended in; None prefers no op.
        candidates: See :class:`AbstractSearch`.
        seed: See :class:`AbstractSearch`.
    """

    def __init__(
        self,
        space: AbstractSearchSpace[Architecture],
        *,
        source: Callable[[], Preference] | None = None,
        candidates: Iterable[Any] | None = None,
        seed: Seed = 0,
    ) -> None:
        super().__init__(space, candidates=candidates, seed=seed)
        self._source = source
        self._preference: Preference | None = None
        self._queue: list[Architecture] | None = None

    def _propose(self) -> Architecture:
        if self._queue is None:
            self._queue = self._order()
        return next(cell for cell in self._queue if self.is_open(cell))

    def _reseeded(self) -> None:
        self._queue = None

    def _order(self) -> list[Architecture]:
        if self._preference is None:
            self._preference = _no_preference() if self._source is None else self._source()
        scores = self._preference.scores()
        best = np.full(len(scores), -np.inf)
        # maximum.at, as many cells share one representative.
        np.maximum.at(best, np.array(representatives_by_index()), scores)
        cells = [cell for members in self._classes.values() for cell in members]
        cells = [cells[i] for i in self.rng.permutation(len(cells))]
        ranked = sorted(cells, key=lambda cell: -best[cell.index])
        # A derived cell may be none of the candidates; doubles do no harm, is_open passes them by.
        allowed = set(cells)
        first = [cell.representative for cell in self._preference.first]
        return [cell for cell in first if cell in allowed] + ranked


def _no_preference() -> Preference:
    return Preference(np.full((1, 6, len(OPS)), 1 / len(OPS)), (1.0,), ())


@cache
def _ops() -> np.ndarray:
    """Return the ops of every cell by its index, ``(15625, 6)``."""
    return np.array([cell.ops for cell in NASBench201()])

"""Spend the budget from the top of a ranking that no measurement made."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .._checks import brief
from ..errors import InvalidInputError
from ..spaces import AbstractSearchSpace, Architecture, count_parameters
from ..typing import Seed
from .base import AbstractSearch


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
        cells = [cells[i] for i in self.rng.permutation(len(cells))]
        self._queue = sorted(cells, key=self._rank)

    def _rank(self, cell: Architecture) -> tuple[bool, float, int]:
        score = self._scores.get(cell)
        return (score is None, 0.0 if score is None else -score, -count_parameters(cell))

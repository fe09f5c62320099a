"""Local search: walk uphill through the neighbours of the best architecture so far."""

from collections.abc import Iterable
from typing import Any

from ..._checks import check_integer
from ...spaces import AbstractSearchSpace, Architecture
from ...typing import Seed
from ..base import AbstractSearch


class LocalSearch(AbstractSearch):
    """Hill climbing that does not stop at a local optimum.

    White et al., "Exploring the Loss Landscape in Neural Architecture Search" (UAI 2021, arXiv
    2005.02960). After ``n_initial`` random architectures, the neighbours of the best one are
    measured in random order; a better one takes its place at once. When all neighbours of the
    best are known, the walk goes on from the best whose neighbours are not.

    Args:
        space: The search space.
        n_initial: Random architectures at the start.
        candidates: The architectures that may be asked for; None means all of the space.
        seed: Seed or generator of every random choice.
    """

    def __init__(
        self,
        space: AbstractSearchSpace[Architecture],
        *,
        n_initial: int = 10,
        candidates: Iterable[Any] | None = None,
        seed: Seed = 0,
    ) -> None:
        super().__init__(space, candidates=candidates, seed=seed)
        self.n_initial = check_integer("n_initial", n_initial, minimum=1)
        self._expanded: set[Architecture] = set()
        self._centre: Architecture | None = None
        self._queue: list[Architecture] = []

    def _propose(self) -> Architecture:
        # Asked for, not told: a batch or other workers begin with no more random cells than one.
        if len(self._seen) < self.n_initial:
            return self.draw_open()
        while (best := self._best_unexpanded()) is not None:
            if best != self._centre:
                self._centre = best
                around = self.space.neighbours(best)
                self._queue = [around[int(i)] for i in self.rng.permutation(len(around))]
            while self._queue:
                neighbour = self.open_representative(self._queue.pop())
                if neighbour is not None:
                    return neighbour
            self._expanded.add(best)
        return self.draw_open()

    def _best_unexpanded(self) -> Architecture | None:
        """Return the best architecture told, the first of equals, with unknown neighbours."""
        values = {cell: v for cell, v in self._values.items() if cell not in self._expanded}
        return max(values, key=values.__getitem__, default=None)

"""Regularized evolution: the oldest dies, whatever its value."""

from collections import deque
from collections.abc import Iterable
from typing import Any

from ..._checks import check_integer
from ...spaces import AbstractSearchSpace, Architecture
from ...typing import Seed
from ..base import AbstractSearch

_MAX_MUTATIONS = 100
"""Mutations of one parent before a random architecture takes the child's place."""


class RegularizedEvolution(AbstractSearch):
    """Ageing evolution.

    Real et al., "Regularized Evolution for Image Classifier Architecture Search" (AAAI 2019,
    arXiv 1802.01548), algorithm 1. Unlike the paper, a mutant whose value is known costs no
    evaluation: it is mutated again.

    Args:
        space: The search space.
        population: P, architectures alive.
        sample: S, architectures that compete to be the parent.
        candidates: The architectures that may be asked for; None means all of the space.
        seed: Seed or generator of every random choice.
    """

    def __init__(
        self,
        space: AbstractSearchSpace[Architecture],
        *,
        population: int = 20,
        sample: int = 10,
        candidates: Iterable[Any] | None = None,
        seed: Seed = 0,
    ) -> None:
        super().__init__(space, candidates=candidates, seed=seed)
        self.population = check_integer("population", population, minimum=1)
        self.sample = check_integer("sample", sample, minimum=1)
        self._alive: deque[Architecture] = deque(maxlen=self.population)

    def _propose(self) -> Architecture:
        # Asked for, not told: a batch or other workers begin with no more random cells than one.
        if len(self._seen) < self.population or not self._alive:
            return self.draw_open()
        mutant = self._parent()
        for _ in range(_MAX_MUTATIONS):
            # On from the mutant, not anew from the parent: with all
            # neighbours known, that would find none.
            mutant = self.space.mutate(mutant, seed=self.rng)
            child = self.open_representative(mutant)
            if child is not None:
                return child
        return self.draw_open()

    def _learn(self, architecture: Architecture, value: float) -> None:  # noqa: ARG002
        self._alive.append(architecture)

    def _parent(self) -> Architecture:
        size = min(self.sample, len(self._alive))
        drawn = self.rng.choice(len(self._alive), size=size, replace=False)
        return max((self._alive[int(i)] for i in drawn), key=self._values.__getitem__)

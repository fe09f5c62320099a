"""NSGA-II: evolution towards the Pareto front."""

from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from ..._checks import check_fraction, check_integer
from ...metrics import crowding_distances, non_dominated_ranks
from ...spaces import EDGES, OPS, AbstractSearchSpace, Architecture
from ...typing import Seed
from ..multiobjective import AbstractSeveralSearch, total_violations

_MAX_MUTATIONS = 100
"""Mutations of one child before a random architecture takes its place."""

_TOURNAMENT: Final = 2


class NSGA2Search(AbstractSeveralSearch):
    """Elitist non-dominated sorting genetic algorithm.

    Deb, Pratap, Agarwal, Meyarivan, "A Fast and Elitist Multiobjective Genetic Algorithm:
    NSGA-II" (IEEE Trans. Evol. Comput. 6, 2002): of parents and offspring, the best fronts
    survive, of the last front that fits in part the least crowded; parents win binary tournaments
    by front, then by crowding; constraints by the paper's constrained domination. On the six
    edges, crossover takes each edge from either parent. Unlike the paper, a child that computes
    what is known costs no evaluation: it is mutated again. With one objective the fronts are its
    ranks.

    Args:
        space: The search space.
        population: N, survivors of a generation, and offspring in one.
        crossover: Probability that a child has two parents.
        mutation: Probability that an edge of a child changes its op.
        n_objectives: See :class:`AbstractSeveralSearch`.
        n_constraints: See :class:`AbstractSeveralSearch`.
        candidates: The architectures that may be asked for; None means all of the space.
        seed: Seed or generator of every random choice.
    """

    def __init__(
        self,
        space: AbstractSearchSpace[Architecture],
        *,
        # Ten did a little better than twenty on the design
        # problems (experiments/several_objectives).
        population: int = 10,
        # As in the paper's experiments, section IV: .9, and one over the number of variables.
        crossover: float = 0.9,
        mutation: float = 1 / 6,
        n_objectives: int = 1,
        n_constraints: int = 0,
        candidates: Iterable[Any] | None = None,
        seed: Seed = 0,
    ) -> None:
        super().__init__(
            space,
            n_objectives=n_objectives,
            n_constraints=n_constraints,
            candidates=candidates,
            seed=seed,
        )
        self.population = check_integer("population", population, minimum=2)
        self.crossover = check_fraction("crossover", crossover)
        self.mutation = check_fraction("mutation", mutation)
        self._parents: list[Architecture] = []  # the best first
        self._offspring: list[Architecture] = []

    def _learn(self, architecture: Architecture, value: float) -> None:  # noqa: ARG002
        self._offspring.append(architecture)
        if len(self._offspring) >= self.population:
            self._parents = self._survivors(self._parents + self._offspring)
            self._offspring = []

    def _survivors(self, cells: list[Architecture]) -> list[Architecture]:
        """Return the best of a generation, by front, then the least crowded first."""
        values = self._told(cells)
        ranks = non_dominated_ranks(values, total_violations(self._told_constraints(cells)))
        crowding = np.empty(len(cells))
        for rank in range(int(ranks.max()) + 1):
            # Within a front: distances to points of others mean nothing.
            crowding[ranks == rank] = crowding_distances(values[ranks == rank])
        order = np.lexsort((-crowding, ranks))
        return [cells[i] for i in order[: self.population]]

    def _propose(self) -> Architecture:
        if not self._parents:
            return self.draw_open()
        child = self._cross(self._parent(), self._parent())
        # On from the child: with all cells near it known, mutating it anew would find none.
        for _ in range(_MAX_MUTATIONS):
            child = self._mutate(child)
            chosen = self.open_representative(child)
            if chosen is not None:
                return chosen
        return self.draw_open()

    def _parent(self) -> Architecture:
        """Return the winner of a tournament: survivors are in order."""
        return self._parents[int(self.rng.integers(len(self._parents), size=_TOURNAMENT).min())]

    def _cross(self, one: Architecture, other: Architecture) -> Architecture:
        if self.rng.random() >= self.crossover:
            return one
        of_one = self.rng.random(len(EDGES)) < 0.5
        pairs = zip(one.ops, other.ops, of_one, strict=True)
        return Architecture(tuple(a if first else b for a, b, first in pairs))

    def _mutate(self, cell: Architecture) -> Architecture:
        changes = self.rng.random(len(EDGES)) < self.mutation
        steps = self.rng.integers(1, len(OPS), size=len(EDGES))  # to each other op alike
        pairs = zip(cell.ops, changes, steps, strict=True)
        return Architecture(tuple((op + int(s)) % len(OPS) if c else op for op, c, s in pairs))

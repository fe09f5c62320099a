"""Surrogate-guided search for the Pareto front, under constraints."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..._checks import brief, check_integer
from ...errors import InvalidInputError
from ...processes.refitted import FunctionProcess
from ...spaces import AbstractSearchSpace, Architecture
from ...typing import FloatArray, Seed
from ..acquisition import expected_hypervolume_improvement
from ..design import FunctionPool
from ..multiobjective import AbstractSeveralSearch
from .guided import standard_scores


@dataclass(frozen=True, slots=True)
class _Belief:
    """One quantity as a model sees it, in normal scores.

    Args:
        mean: Of every function class, ``(n,)``.
        std: Standard deviations, ``(n,)``; 0 where it is known.
        told: Of the cells that were told, then of those awaited.
    """

    mean: FloatArray
    std: FloatArray
    told: FloatArray


class ParetoSearch(AbstractSeveralSearch):
    """Bayesian optimisation of several objectives over function classes.

    The first ``n_initial`` architectures are spread over what cells can compute. From then on
    every objective and every constraint has a :class:`FunctionProcess` of its own, refitted before
    each question to the normal scores of the told values' ranks, and the open function class is
    asked for that is expected to add most hypervolume to the front (Emmerich et al., CEC 2011),
    times the probability that it keeps the constraints (Gardner et al., "Bayesian Optimization
    with Inequality Constraints", ICML 2014); as long as nothing keeps them, that probability
    alone. Hypervolume is that of the scores, from the worst score told in each objective. Values
    that are still awaited count as predicted.

    Args:
        space: The search space.
        known: By the position of an objective, its values by representative, higher is better:
            what needs no model.
        n_initial: Architectures before the first fit.
        n_objectives: See :class:`AbstractSeveralSearch`.
        n_constraints: See :class:`AbstractSeveralSearch`.
        candidates: The architectures that may be asked for; None means all of the space.
        seed: Seed or generator of every random choice.

    Raises:
        InvalidInputError: If what is known is not known of every candidate.
    """

    def __init__(
        self,
        space: AbstractSearchSpace[Architecture],
        *,
        known: Mapping[int, Mapping[Architecture, float]] | None = None,
        n_initial: int = 10,
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
        self.n_initial = check_integer("n_initial", n_initial, minimum=2)
        self._pool = FunctionPool(space, self._classes)
        self._known = dict(known or {})
        self._known_leads = {j: self._read_known(j, values) for j, values in self._known.items()}
        self._models = [FunctionProcess() for _ in range(n_objectives + n_constraints)]

    def _read_known(self, j: int, values: Mapping[Architecture, float]) -> FloatArray:
        numbers = np.array([values.get(lead, np.nan) for lead in self._pool.leads])
        if j not in range(self.n_objectives) or not np.isfinite(numbers).all():
            msg = f"known: expected a number of every candidate for objective {j}, got "
            raise InvalidInputError(msg + brief(numbers[~np.isfinite(numbers)]))
        return numbers

    def _propose(self) -> Architecture:
        is_open = self._pool.which(self._untouched or self._left)
        scores = np.zeros(len(is_open))
        # One value has no spread and no ranks to be learnt.
        if len(self._values) >= 2 and len(self._pool.taken) >= self.n_initial:
            scores = np.where(is_open, self._score(), 0.0)
        # Where nothing promises to add anything, the search goes on as it began.
        best = int(np.argmax(scores))
        position = best if scores[best] > 0 else self._pool.spread(is_open, self.rng)
        members = self._left[self._pool.names[position]]
        return members[int(self.rng.integers(len(members)))]

    def _mark(self, architecture: Architecture) -> None:
        super()._mark(architecture)
        self._pool.take(architecture)

    def _score(self) -> FloatArray:
        """Fit the models and return what every function class promises, ``(n,)``."""
        told, awaited = list(self._values), self._awaited()
        values, constraints = self._told(told), self._told_constraints(told)
        feasible = np.ones(len(told) + len(awaited), dtype=bool)
        probability = np.ones(len(self._pool.leads))
        for c, model in enumerate(self._models[self.n_objectives :]):
            # The limit is ranked among the values, so that it has a score too.
            scores = standard_scores(np.append(constraints[:, c], 0.0))
            belief, limit = self._believe(model, told, scores[:-1], awaited), scores[-1]
            feasible &= np.append(constraints[:, c] <= 0, belief.told[len(told) :] <= limit)
            probability *= _probability_below(limit, belief)
        if not feasible.any():
            return probability
        beliefs = [
            self._recall(j, values[:, j], awaited)
            if j in self._known
            else self._believe(self._models[j], told, standard_scores(values[:, j]), awaited)
            for j in range(self.n_objectives)
        ]
        points = np.stack([belief.told for belief in beliefs], axis=1)
        return probability * expected_hypervolume_improvement(
            np.stack([belief.mean for belief in beliefs], axis=1),
            np.stack([belief.std for belief in beliefs], axis=1),
            front=points[feasible],
            # The worst told: it moves with the search, as scores do, and
            # every point dominates it or touches it.
            reference=points.min(axis=0),
        )

    def _awaited(self) -> list[Architecture]:
        waiting = sorted(cell for cell in self._seen if cell not in self._values)
        # What other workers await may be none of the candidates: nothing is known of it.
        return [cell for cell in waiting if all(cell in one for one in self._known.values())]

    def _believe(
        self,
        model: FunctionProcess,
        told: Sequence[Architecture],
        scores: FloatArray,
        awaited: Sequence[Architecture],
    ) -> _Belief:
        model.fit(told, scores)
        if awaited:
            scores = np.concatenate([scores, model.predict(awaited)])
            model.fit([*told, *awaited], scores)
        leads = self._pool.leads
        return _Belief(model.predict(leads), model.predict_std(leads), scores)

    def _recall(self, j: int, values: FloatArray, awaited: Sequence[Architecture]) -> _Belief:
        """Return what is known of an objective, with the scores of all candidates' ranks."""
        known = self._known_leads[j]
        scores, order = standard_scores(known), np.argsort(known)
        numbers = np.append(values, [self._known[j][cell] for cell in awaited])
        # Ranks among all candidates, not among the told: what is known needs no sample.
        told = np.interp(numbers, known[order], scores[order])
        return _Belief(scores, np.zeros(len(scores)), told)


def _probability_below(limit: float, belief: _Belief) -> FloatArray:
    from scipy.special import ndtr

    return np.asarray(ndtr((limit - belief.mean) / np.maximum(belief.std, 1e-12)))

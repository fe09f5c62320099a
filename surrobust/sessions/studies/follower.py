"""A strategy that follows the trials of an Optuna study."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from ...searches import AbstractSearch, AbstractSeveralSearch, Goals
from ...spaces import EDGES, Architecture
from ...typing import FloatArray
from .edges import ALL_OPS, Edge, read_edge, read_ops, two_cells

logger = logging.getLogger(__name__)

Allowed = tuple[frozenset[int], ...]
"""What each of the six edges may be."""

_MOST_STRATEGIES = 3
"""Kept at a time, for one each of the last demands on edges."""

_PATIENCE, _PAUSE = 100, 0.02
"""Looks at another trial's claim, and seconds between them."""

_LARGEST = 1e300
"""Of a constraint; strategies take finite numbers."""


@dataclass(slots=True, eq=False)
class _Fact:
    """What a finished trial says.

    Args:
        cell: The cell that it had.
        values: To be maximised, ``(m,)``; None if there are none.
        constraints: By their names, kept where at most 0.
        is_measured: Whether the values are the trial's own.
    """

    cell: Architecture
    values: FloatArray | None
    constraints: dict[str, float]
    is_measured: bool = True


@dataclass(slots=True)
class _Strategy:
    """A strategy for the cells that some demands leave.

    Args:
        search: The strategy.
        forms: By representative, the cell that keeps the demands; empty where there are none.
        n_told: How many facts it was told.
    """

    search: AbstractSearch
    forms: Mapping[Architecture, Architecture]
    n_told: int = 0


class Follower:
    """What is known of one cell of one study, and the strategies that learn it.

    All of it follows from the study's trials, so that a follower is known by them: it goes on
    with whatever study has all the trials that it has seen.

    Args:
        place: The path of the cell's edges, see :class:`Edge`.
        maximised: For each objective, whether higher values are better.
        make: Makes the strategy, given ``candidates`` and ``goals``.
        seed: Seed of every random choice, together with the number of a trial.
        fixed: Ops of edges that the study does not suggest, by position.
    """

    def __init__(
        self,
        place: str,
        maximised: tuple[bool, ...],
        make: Callable[..., AbstractSearch],
        seed: int,
        fixed: Mapping[int, int],
    ) -> None:
        self.place, self.maximised = place, maximised
        self._claim = f"surrobust:cell:{place}"
        self._make, self._seed, self._fixed = make, seed, dict(fixed)
        self._signs = np.where(maximised, 1.0, -1.0)
        self._choices = [
            frozenset({fixed[position]}) if position in fixed else ALL_OPS
            for position in range(len(EDGES))
        ]
        self._stamps: dict[int, tuple[Any, ...]] = {}
        self._finished: set[int] = set()
        self._asked: dict[int, Architecture] = {}
        self._facts: list[_Fact] = []
        self._rated: dict[Architecture, _Fact] = {}
        self._unrated: list[_Fact] = []
        # Until one is measured there is no worst value, and pruned trials wait for it.
        self._worst = np.full(len(maximised), np.inf)
        self._constraints: dict[str, None] = {}
        self._strategies: dict[Allowed, _Strategy] = {}
        self._has_warned = False

    def follows(self, trials: Sequence[FrozenTrial]) -> bool:
        """Return whether these are trials of the study that this follower has seen."""
        now = {trial.number: _stamp(trial) for trial in trials}
        return all(now.get(n, ())[: len(stamp)] == stamp for n, stamp in self._stamps.items())

    def recall(self, trial: FrozenTrial, edge: Edge) -> Architecture | None:
        """Return the cell that was asked for in a trial, if its edges can still be the trial's."""
        cell = self._asked.get(trial.number)
        if cell is None or self._stamps[trial.number] != _stamp(trial):
            return None
        known = read_ops(trial.params, self.place)
        agrees = all(cell.ops[position] == op for position, op in known.items())
        return cell if agrees and cell.ops[edge.position] in edge.ops else None

    def ask(
        self, study: Study, trial: FrozenTrial, edge: Edge, fixed: Mapping[str, Any]
    ) -> Architecture | None:
        """Return a cell for a trial; None if no cell is left.

        Other processes do not wait for each other, so two may ask for the same at one time. Hence
        a cell is claimed in the trial's system attributes and given up if another has it.

        Args:
            study: The study.
            trial: A trial that runs.
            edge: What it is about to suggest.
            fixed: Parameters that the trial will have whatever is sampled.
        """
        if self._asked.pop(trial.number, None) is not None:
            self._strategies.clear()  # they count a cell that will not come
        while True:
            trials = all_trials(study)
            self._read(trials)
            strategy = self._strategy(self._demands(trial, edge, fixed))
            known = {t.number: self._awaited(t) for t in trials if t.number != trial.number}
            for other in filter(None, known.values()):
                strategy.search.expect(other)
            strategy.search.reseed(self._seed, trial.number)
            asked = strategy.search.ask()
            if not asked:
                self._asked.pop(trial.number, None)
                return None
            cell = strategy.forms.get(asked[0], asked[0])
            self._asked[trial.number] = cell
            self._stamps[trial.number] = _stamp(trial)
            # Written before it is looked for: of two at one time, one at least sees the other's.
            study._storage.set_trial_system_attr(trial._trial_id, self._claim, cell.code)
            if self._stands(study, cell, trial.number, known):
                return cell

    def _awaited(self, trial: FrozenTrial) -> Architecture | None:
        """Return the cell of a trial that runs or waits, if that is known."""
        if trial.state.is_finished():
            return None
        params = trial.system_attrs.get("fixed_params", {}) | trial.params
        claimed = trial.system_attrs.get(self._claim)
        return self._cell_of(params) or (Architecture.parse(claimed) if claimed else None)

    def _stands(
        self,
        study: Study,
        cell: Architecture,
        number: int,
        known: Mapping[int, Architecture | None],
    ) -> bool:
        """Return whether no other trial has claimed what computes the same, unknown till now.

        Of two claims made at one time, that of the earlier trial stands; it waits until the other
        has given way, or turns out not to have seen it.
        """
        past = self._finished | {number}
        for _ in range(_PATIENCE):
            rivals = [
                trial
                for trial in all_trials(study)
                if trial.number not in past
                and (rival := self._awaited(trial) or self._cell_of(trial.params)) is not None
                and rival != known.get(trial.number)
                and rival.function_class == cell.function_class
            ]
            if any(trial.number < number or self._has_begun(trial) for trial in rivals):
                return False
            if not rivals:
                break
            time.sleep(_PAUSE)
        return True

    def _has_begun(self, trial: FrozenTrial) -> bool:
        return trial.state != TrialState.RUNNING or bool(read_ops(trial.params, self.place))

    def _demands(self, trial: FrozenTrial, edge: Edge, fixed: Mapping[str, Any]) -> Allowed:
        """Return what the edges of a trial may be."""
        allowed = list(self._choices)
        known = read_ops(fixed, self.place) | read_ops(trial.params, self.place)
        for position, op in known.items():
            allowed[position] = frozenset({op})
        allowed[edge.position] = edge.ops
        return tuple(allowed)

    def _cell_of(self, params: Mapping[str, Any]) -> Architecture | None:
        ops = read_ops(params, self.place)
        ops = self._fixed | ops if ops else {}
        is_whole = len(ops) == len(EDGES)
        return Architecture(tuple(ops[p] for p in range(len(EDGES)))) if is_whole else None

    def _read(self, trials: Sequence[FrozenTrial]) -> None:
        """Take note of what is new, in the order in which it came to be."""
        new = [trial for trial in trials if trial.number not in self._finished]
        for trial in new:
            for name, distribution in trial.distributions.items():
                edge = read_edge(name, distribution)
                if edge is not None and edge.place == self.place:
                    self._choices[edge.position] = edge.ops
            if trial.state != TrialState.WAITING:
                self._stamps[trial.number] = _stamp(trial)
        ended = [trial for trial in new if trial.state.is_finished()]
        for trial in sorted(ended, key=lambda t: (t.datetime_complete.timestamp(), t.number)):
            self._finished.add(trial.number)
            self._learn(trial)

    def _learn(self, trial: FrozenTrial) -> None:
        cell = self._whole_cell(trial)
        asked = self._asked.pop(trial.number, None)
        if asked is not None and (cell is None or cell.representative != asked.representative):
            self._strategies.clear()  # they count a cell that did not come
        if cell is None:
            return
        fact = _Fact(cell, None, _constraints_of(trial))
        if trial.state == TrialState.COMPLETE and np.isfinite(trial.values).all():
            fact.values = self._signs * trial.values
            self._worst = np.minimum(self._worst, fact.values)
        elif trial.state != TrialState.FAIL:
            self._unrated.append(fact)
        self._note(fact)
        if np.isfinite(self._worst).all():
            for bad in self._unrated:
                self._note(_Fact(bad.cell, self._worst, bad.constraints, is_measured=False))
            self._unrated.clear()

    def _whole_cell(self, trial: FrozenTrial) -> Architecture | None:
        """Return a finished trial's cell; None if it has none, with a word if it has parts."""
        pair = two_cells(trial.distributions)
        cell = self._cell_of(trial.params) if pair is None else None
        known = read_ops(trial.params, self.place)
        if cell is None and known and trial.state != TrialState.FAIL and not self._has_warned:
            self._has_warned = True
            known |= self._fixed
            missing = ", ".join(f"{s}->{t}" for i, (s, t) in enumerate(EDGES) if i not in known)
            logger.warning(
                "trial %d: expected the six edges of one cell, got %s",
                trial.number,
                f"{pair[0]} and {pair[1]} of two: such trials teach nothing"
                if pair
                else f"none for {missing}: without SurrobustSampler(fixed=...) nothing is learnt",
            )
        return cell

    def _note(self, fact: _Fact) -> None:
        """Keep a fact for the strategies; of a cell that was measured twice, the first counts."""
        for name in fact.constraints:
            if name not in self._constraints:
                self._constraints[name] = None
                self._strategies.clear()  # they do not know of it
        key = fact.cell.representative
        known = self._rated.get(key)
        if fact.values is None or known is None:
            self._facts.append(fact)
        elif fact.is_measured and not known.is_measured:
            self._facts[self._facts.index(known)] = fact
            self._strategies.clear()  # they were told what was only assumed
        else:
            return
        if fact.values is not None:
            self._rated[key] = fact

    def _strategy(self, allowed: Allowed) -> _Strategy:
        """Return the strategy for some demands, told of all that is known."""
        # Taken out and put in at the end, so that the first is the one not used for longest.
        strategy = self._strategies.pop(allowed, None) or self._new_strategy(allowed)
        self._strategies[allowed] = strategy
        if len(self._strategies) > _MOST_STRATEGIES:
            del self._strategies[next(iter(self._strategies))]
        for fact in self._facts[strategy.n_told :]:
            self._tell(strategy.search, fact)
        strategy.n_told = len(self._facts)
        return strategy

    def _new_strategy(self, allowed: Allowed) -> _Strategy:
        goals = Goals(self.maximised, n_others=len(self._constraints))
        if all(ops == ALL_OPS for ops in allowed):
            return _Strategy(self._make(goals=goals), {})
        cells = sorted(map(Architecture, product(*allowed)), key=lambda cell: cell.index)
        # Reversed: of isomorphic cells the one of smallest index comes last, and stays.
        forms = {cell.representative: cell for cell in reversed(cells)}
        return _Strategy(self._make(goals=goals, candidates=list(forms)), forms)

    def _tell(self, search: AbstractSearch, fact: _Fact) -> None:
        if fact.values is None:
            # For ever, if it failed: what is waited for is not asked for again.
            search.expect(fact.cell)
            return
        value = fact.values.tolist() if len(fact.values) > 1 else float(fact.values[0])
        if isinstance(search, AbstractSeveralSearch):
            # What a trial does not say of a constraint counts as kept, as Optuna has it.
            search.tell(fact.cell, value, [fact.constraints.get(c, 0.0) for c in self._constraints])
        else:
            search.tell(fact.cell, value)


def all_trials(study: Study) -> list[FrozenTrial]:
    """Return a study's trials; where it is a bracket of Hyperband's, those of all brackets."""
    return list(study._storage.get_all_trials(study._study_id, deepcopy=False))


def _stamp(trial: FrozenTrial) -> tuple[Any, ...]:
    """Return what tells a trial from others of its number; it only grows when the trial ends."""
    begun = (trial._trial_id, trial.datetime_start)
    if not trial.state.is_finished():
        return begun
    return (*begun, trial.datetime_complete, trial.state, tuple(trial.values or ()))


def _constraints_of(trial: FrozenTrial) -> dict[str, float]:
    """Return a trial's constraints by their names, all of them finite."""
    found = getattr(trial, "constraints", None)
    if found is None:  # Optuna 4
        found = {str(i): c for i, c in enumerate(trial.system_attrs.get("constraints") or ())}
    return {
        name: float(np.clip(np.nan_to_num(number, nan=_LARGEST), -_LARGEST, _LARGEST))
        for name, number in found.items()
    }

"""The strategies as a sampler of Optuna's, for a study that a user already has."""

import copy
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, PartialFixedSampler, TPESampler
from optuna.samplers._base import _process_constraints_after_trial
from optuna.study import Study, StudyDirection
from optuna.trial import BaseTrial, FrozenTrial, TrialState

from ..._checks import brief, check_choice
from ..._optuna import quiet_optuna
from ...errors import InvalidInputError
from ...processes.trend import Prior
from ...searches import SEARCHES
from ...searches.sharing.ledger import PARAMETERS
from ...spaces import OPS, Architecture
from ..strategies import make_search, strategy_for_several
from .edges import Edge, explain, read_edge, read_ops, two_cells
from .follower import Follower, all_trials

logger = logging.getLogger(__name__)

_MOST_FOLLOWERS = 8
"""Studies at a time; of others the trials are read again."""


def suggest_architecture(trial: BaseTrial) -> Architecture:
    """Suggest the six edges of a cell as categorical parameters ``0->1`` to ``2->3``.

    Args:
        trial: Of a study of Optuna's, with whichever sampler.

    Returns:
        The cell of NAS-Bench-201 that they make.
    """
    return Architecture.parse({"edges": {n: trial.suggest_categorical(n, OPS) for n in PARAMETERS}})


class SurrobustSampler(BaseSampler):
    """Samples cells of NAS-Bench-201 in a study of Optuna's by one of our strategies.

    It answers parameters that are edges of a cell: categorical ones named ``0->1`` ... ``2->3``
    (:func:`suggest_architecture`), ``0_1`` ... ``2_3`` (NNI) or ``hp_x0`` ... ``hp_x5`` (Syne
    Tune), alone or behind a path such as ``cell/`` or ``cell__``, whose choices are op names, with
    or without the ``nor_`` of convolutions. Where some ops are left out, or some edges are enqueued
    or fixed, only cells that agree are sampled. Every other parameter goes to
    ``independent_sampler``, sampled relatively if that does so; one that nearly is an edge is
    logged as a warning, once.

    What computes the same as a cell of the study is not sampled again while others are left.
    In a study of several directions, or with constraints, the strategy is one that knows them
    (``default``, ``nsga2``, ``pareto``, ``random``). Constraints are those that trials carry, set
    by ``constraints_func``, by ``independent_sampler`` or by ``Trial.set_constraint``; what a
    trial does not say of one counts as kept. Trials that run, in whichever process, count as the
    strategy counts values it waits for, and so do those that wait with all edges enqueued; pruned
    ones count as the worst value so far; failed ones are not tried again, except where Optuna's
    own retrying enqueues them. All trials of the study teach, with ``HyperbandPruner`` too. Each
    path has cells of its own, which learn from the trials with that path; two cells in one trial
    are refused, since their value would belong to the pair. A trial without all six edges teaches
    nothing, which is logged once; name in ``fixed`` what an edge always is.

    Each trial's random choices follow from the seed and the trial's number, so that processes
    which share a study may share a seed. A sampler may serve several studies; pickled or copied,
    it goes on as it would have.

    Args:
        strategy: Name in ``SEARCHES``.
        seed: Seed of every random choice; None draws one.
        prior: A fitted predictor of one value that guided strategies start from; it is negated
            where the study minimises.
        independent_sampler: Samples what is no edge; None means Optuna's TPE.
        constraints_func: As in Optuna's samplers: a finished trial's constraints, kept where at
            most 0.
        fixed: The ops of edges that the study does not suggest, such as ``{"2->3": "none"}``.

    Raises:
        InvalidInputError: If the strategy is not known, takes no prior or no constraints, ``fixed``
            is not as expected; or, on sampling, if the study has several objectives or
            constraints and the strategy or the prior knows one value, or if a trial has two cells.
    """

    def __init__(
        self,
        strategy: str = "default",
        *,
        seed: int | None = 0,
        prior: Prior | None = None,
        independent_sampler: BaseSampler | None = None,
        constraints_func: Callable[[FrozenTrial], Sequence[float]] | None = None,
        fixed: Mapping[str, str] | None = None,
    ) -> None:
        self._strategy = check_choice("strategy", strategy, SEARCHES)
        self._seed = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else seed
        self._prior = prior
        make_search(strategy, seed=self._seed, prior=prior)  # refuses what it cannot do
        if constraints_func is not None:
            strategy_for_several(strategy)
        self._constraints_func = constraints_func
        self._fixed = _read_fixed(fixed)
        with quiet_optuna():
            self._independent = independent_sampler or TPESampler(
                seed=self._seed, multivariate=False
            )
        self._lock = threading.Lock()
        self._followers: list[Follower] = []  # the last one used last
        self._warned: set[str] = set()

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in self.__dict__.items() if name != "_lock"}
        with self._lock:
            # As they are now: another thread may be asking while they are written.
            state["_followers"] = copy.deepcopy(self._followers, {id(self._prior): self._prior})
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return what the other sampler samples relatively, without the edges."""
        self._check(study)
        space = self._independent.infer_relative_search_space(study, trial)
        return {name: one for name, one in space.items() if self._read_edge(name, one) is None}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return what the other sampler samples relatively."""
        sampled = self._independent.sample_relative(study, trial, search_space)
        return {name: value for name, value in sampled.items() if name in search_space}

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Return an edge's op in the cell that the strategy asks for in this trial.

        Raises:
            InvalidInputError: See the class.
        """
        self._check(study)
        edge = self._read_edge(param_name, param_distribution)
        if edge is not None:
            pair = two_cells({**trial.distributions, param_name: param_distribution})
            if pair is not None:
                msg = (
                    f"trial {trial.number}: expected the edges of one cell, got {pair[0]} and "
                    f"{pair[1]} of two, whose value would belong to the pair"
                )
                raise InvalidInputError(msg)
            cell = self._cell_of(study, trial, edge)
            if cell is not None:
                return edge.choices[cell.ops[edge.position]]
        return self._independent.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Pass the trial on to the other sampler."""
        self._independent.before_trial(study, trial)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Store the trial's constraints and pass it on to the other sampler."""
        if self._constraints_func is not None:
            _process_constraints_after_trial(self._constraints_func, study, trial, state)
        self._independent.after_trial(study, trial, state, values)

    def reseed_rng(self) -> None:
        """Reseed the other sampler; a trial's own number seeds what is sampled here."""
        self._independent.reseed_rng()

    def _check(self, study: Study) -> None:
        if len(study.directions) > 1:
            strategy_for_several(self._strategy)

    def _read_edge(self, name: str, distribution: BaseDistribution) -> Edge | None:
        """Return the edge that a parameter is; a word, once, if it only looks like one."""
        edge = read_edge(name, distribution)
        told = explain(name, distribution) if edge is None else None
        if told is not None and name not in self._warned:
            self._warned.add(name)
            logger.warning("parameter %s: %s; it goes to %s", name, told, self._independent)
        return edge

    def _cell_of(self, study: Study, trial: FrozenTrial, edge: Edge) -> Architecture | None:
        """Return the cell for a trial, the same for each of its edges; None if none is left."""
        key = edge.place, tuple(d != StudyDirection.MINIMIZE for d in study.directions)
        # Optuna's n_jobs asks from several threads.
        with self._lock:
            able = [one for one in self._followers if (one.place, one.maximised) == key]
            for one in able:
                cell = one.recall(trial, edge)
                if cell is not None:
                    return cell
            trials = all_trials(study) if able else []
            found = next((one for one in able if one.follows(trials)), None)
            follower = found or self._new_follower(*key)
            others = [one for one in self._followers if one is not follower]
            # The seven used last before it.
            self._followers = [*others[1 - _MOST_FOLLOWERS :], follower]
            fixed = _fixed_by(study.sampler) | trial.system_attrs.get("fixed_params", {})
            return follower.ask(study, trial, edge, fixed)

    def _new_follower(self, place: str, maximised: tuple[bool, ...]) -> Follower:
        prior = self._prior
        if prior is not None and not maximised[0]:
            prior = _Negated(prior)
        make = partial(make_search, self._strategy, seed=self._seed, prior=prior)
        return Follower(place, maximised, make, self._seed, self._fixed)


def _read_fixed(fixed: Mapping[str, str] | None) -> dict[int, int]:
    """Return ops by position.

    Raises:
        InvalidInputError: If a name is no edge's, or a value no op.
    """
    ops = read_ops(fixed, "") if isinstance(fixed, Mapping) else {}
    if fixed is not None and (not isinstance(fixed, Mapping) or len(ops) != len(fixed)):
        msg = f"fixed: expected ops by edges, such as {{'2->3': 'none'}}, got {brief(fixed)}"
        raise InvalidInputError(msg)
    return ops


def _fixed_by(sampler: BaseSampler) -> dict[str, Any]:
    """Return the parameters that samplers of Optuna's around ours fix."""
    fixed: dict[str, Any] = {}
    while isinstance(sampler, PartialFixedSampler):
        fixed = sampler._fixed_params | fixed
        sampler = sampler._base_sampler
    return fixed


class _Negated:
    """A prior of values to be minimised."""

    def __init__(self, prior: Prior) -> None:
        self._prior = prior

    def predict(self, architectures: Sequence[Architecture], /) -> Any:
        """Return the expected values times -1."""
        return -np.asarray(self._prior.predict(architectures), dtype=np.float64)

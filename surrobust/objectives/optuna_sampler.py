"""The strategies as a sampler of Optuna's, for a study that a user already has."""

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.study import Study, StudyDirection
from optuna.trial import BaseTrial, FrozenTrial, TrialState

from .._checks import check_choice
from ..searches import SEARCHES, AbstractSearch, Goals
from ..searches.ledger import PARAMETERS
from ..searches.prior import Prior
from ..searches.quiet import quiet_optuna
from ..spaces import EDGES, OPS, Architecture, NASBench201
from ..typing import FloatArray
from .optuna_edges import read_cell, read_edge
from .strategies import make_search

_ALL_OPS = frozenset(range(len(OPS)))


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
    (:func:`suggest_architecture`), ``0_1`` ... ``2_3`` (NNI, also behind a path such as
    ``cell/``) or ``hp_x0`` ... ``hp_x5`` (Syne Tune), whose choices are op names, with or without
    the ``nor_`` of convolutions; where some ops are left out, only cells without them are
    sampled. Every other parameter goes to ``independent_sampler``.

    What computes the same as a cell of the study is not sampled again while others are left.
    In a study of several directions the strategy is one for several objectives (``default``,
    ``nsga2``, ``pareto``, ``random``). Trials that run, in whichever process, count as the
    strategy counts values it waits for; pruned ones count as the worst value so far; failed ones
    are not tried again, except where Optuna's own retrying enqueues them. Each trial's random
    choices follow from the seed and the trial's number, so that processes which share a study may
    share a seed.

    Args:
        strategy: Name in ``SEARCHES``.
        seed: Seed of every random choice; None draws one.
        prior: A fitted predictor of one value that guided strategies start from; it is negated
            where the study minimises.
        independent_sampler: Samples what is no edge; None means Optuna's TPE.

    Raises:
        InvalidInputError: If the strategy is not known, takes no prior, or, in ``sample``, if the
            study has several objectives and the strategy or the prior has one.
    """

    def __init__(
        self,
        strategy: str = "default",
        *,
        seed: int | None = 0,
        prior: Prior | None = None,
        independent_sampler: BaseSampler | None = None,
    ) -> None:
        self._strategy = check_choice("strategy", strategy, SEARCHES)
        self._seed = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else seed
        self._prior = prior
        make_search(strategy, seed=self._seed, prior=prior)  # refuses what it cannot do
        with quiet_optuna():
            self._independent = independent_sampler or TPESampler(
                seed=self._seed, multivariate=False
            )
        self._lock = threading.Lock()
        self._follower: _Follower | None = None

    def infer_relative_search_space(
        self,
        study: Study,  # noqa: ARG002
        trial: FrozenTrial,  # noqa: ARG002
    ) -> dict[str, BaseDistribution]:
        """Return no parameters: edges are recognised when they are suggested."""
        return {}

    def sample_relative(
        self,
        study: Study,  # noqa: ARG002
        trial: FrozenTrial,  # noqa: ARG002
        search_space: dict[str, BaseDistribution],  # noqa: ARG002
    ) -> dict[str, Any]:
        """Return no values."""
        return {}

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Return an edge's op in the cell that the strategy asks for in this trial."""
        edge = read_edge(param_name, param_distribution)
        if edge is not None:
            with self._lock:
                follower = self._follow(study)
                follower.allow(edge.position, edge.ops)
                cell = follower.cell_of(trial)
            if cell is not None and cell.ops[edge.position] in edge.ops:
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
        """Pass the trial on to the other sampler."""
        self._independent.after_trial(study, trial, state, values)

    def reseed_rng(self) -> None:
        """Reseed the other sampler; a trial's own number seeds what is sampled here."""
        self._independent.reseed_rng()

    def _follow(self, study: Study) -> "_Follower":
        if self._follower is None or self._follower.study.study_name != study.study_name:
            self._follower = _Follower(study, self._strategy, self._seed, self._prior)
        return self._follower


class _Follower:
    """A strategy that follows one study."""

    def __init__(self, study: Study, strategy: str, seed: int, prior: Prior | None) -> None:
        self.study = study
        self._goals = Goals(tuple(d != StudyDirection.MINIMIZE for d in study.directions))
        self._signs = np.where(self._goals.maximised, 1.0, -1.0)
        self._strategy, self._seed = strategy, seed
        self._prior = _Negated(prior) if prior is not None and self._signs[0] < 0 else prior
        self._allowed = [_ALL_OPS] * len(EDGES)
        self._cells: dict[int, Architecture | None] = {}
        for trial in study.get_trials(deepcopy=False):
            self._learn_choices(trial)
        self._restart()

    def allow(self, position: int, ops: frozenset[int]) -> None:
        """Take note of the ops that an edge may have."""
        if self._allowed[position] != ops:
            self._allowed[position] = ops
            self._restart()

    def cell_of(self, trial: FrozenTrial) -> Architecture | None:
        """Return the cell for a trial, the same each time; None if no cell is left."""
        if trial.number not in self._cells:
            self._read(trial.number)
            self._search.reseed(self._seed, trial.number)
            asked = self._search.ask()
            self._cells[trial.number] = self._forms.get(asked[0], asked[0]) if asked else None
        return self._cells[trial.number]

    def _learn_choices(self, trial: FrozenTrial) -> None:
        for name, distribution in trial.distributions.items():
            edge = read_edge(name, distribution)
            if edge is not None:
                self._allowed[edge.position] = edge.ops

    def _restart(self) -> None:
        """Begin anew with the cells that are allowed; the study's trials are told again."""
        self._forms: dict[Architecture, Architecture] = {}
        candidates = None
        if any(ops != _ALL_OPS for ops in self._allowed):
            cells = [cell for cell in NASBench201() if self._is_allowed(cell)]
            self._forms = {cell.representative: cell for cell in reversed(cells)}
            candidates = list(self._forms)
        self._search: AbstractSearch = make_search(
            self._strategy,
            seed=self._seed,
            prior=self._prior,
            candidates=candidates,
            goals=self._goals,
        )
        self._done: set[int] = set()
        self._worst = np.full(len(self._signs), np.inf)

    def _is_allowed(self, cell: Architecture) -> bool:
        return all(op in ops for op, ops in zip(cell.ops, self._allowed, strict=True))

    def _read(self, number: int) -> None:
        """Tell the strategy of every other trial what is new."""
        pruned = []
        for trial in self.study.get_trials(deepcopy=False):
            cell = read_cell(trial.params)
            if trial.number in self._done or trial.number == number or cell is None:
                continue
            self._search.expect(cell)
            if trial.state == TrialState.COMPLETE and np.isfinite(trial.values).all():
                values = self._signs * trial.values
                self._worst = np.minimum(self._worst, values)
                self._tell(cell, values)
            elif trial.state in (TrialState.COMPLETE, TrialState.PRUNED):
                pruned.append(cell)
            if trial.state.is_finished():
                self._done.add(trial.number)
                self._cells.pop(trial.number, None)
        for cell in pruned if self._search.values else ():
            self._tell(cell, self._worst)

    def _tell(self, cell: Architecture, values: FloatArray) -> None:
        """Tell values; of a cell that was measured twice, the first count."""
        if cell.representative not in self._search.values:
            self._search.tell(cell, values.tolist() if len(values) > 1 else float(values[0]))


class _Negated:
    """A prior of values to be minimised."""

    def __init__(self, prior: Prior) -> None:
        self._prior = prior

    def predict(self, architectures: Sequence[Architecture], /) -> Any:
        """Return the expected values times -1."""
        return -np.asarray(self._prior.predict(architectures), dtype=np.float64)

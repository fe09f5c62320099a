"""What workers of one search have claimed and measured, in a study of Optuna's.

A *claim* is a trial: it is made with its architecture in one step, and its number is its place
in the order that all workers see. From the claims alone follows what each of them is worth
(:func:`settle`): the first admissible architectures, as many as the budget allows, are the
*slots* of the search; a later claim of the same architecture counts only if the earlier ones
have failed. So nothing is measured twice, whoever is killed and whenever.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidInputError
from ..spaces import EDGES, OPS, Architecture
from .base import Evaluation
from .quiet import quiet_optuna
from .storage import close_storage

PARAMETERS = tuple(f"{source}->{target}" for source, target in EDGES)
"""Names of the six parameters of a trial, the choices of each being ``OPS``."""

_TRIES = 6


@dataclass(frozen=True, slots=True)
class Claim:
    """One worker's claim of an architecture.

    Args:
        number: Its place in the order of all claims.
        trial_id: Optuna's key of the trial.
        architecture: A representative.
        open: Whether its value is awaited.
        value: What was measured; None if it is awaited or has failed.
        worker: Who measures it.
        beat: How often the worker has said that it is alive.
    """

    number: int
    trial_id: int
    architecture: Architecture
    open: bool
    value: float | None
    worker: str
    beat: int

    @property
    def failed(self) -> bool:
        """Whether it has ended without a value."""
        return not self.open and self.value is None


@dataclass(frozen=True, slots=True)
class Slot:
    """One architecture of the budget, with the claim that is measuring or has measured it."""

    architecture: Architecture
    holder: Claim | None


def settle(claims: Iterable[Claim], *, budget: int, n_functions: int) -> list[Slot]:
    """Return the slots that follow from the claims.

    Args:
        claims: In the order of their numbers.
        budget: Slots at most.
        n_functions: Function classes of the space; a class is admitted twice after all of them.
    """
    holders: dict[Architecture, Claim | None] = {}
    functions: set[str] = set()
    for claim in claims:
        cell = claim.architecture
        if cell not in holders:
            is_twin = cell.function_class in functions and len(functions) < n_functions
            if is_twin or len(holders) >= budget:
                continue
            holders[cell] = None
            functions.add(cell.function_class)
        if holders[cell] is None and not claim.failed:
            holders[cell] = claim
    return [Slot(cell, holder) for cell, holder in holders.items()]


def evaluations_of(slots: Sequence[Slot], source: str) -> tuple[Evaluation, ...]:
    """Return what is measured so far, in the order in which it was first claimed."""
    done = [(s.architecture, s.holder.value) for s in slots if s.holder is not None]
    measured = [(cell, value) for cell, value in done if value is not None]
    return tuple(Evaluation(cell, value, i, source) for i, (cell, value) in enumerate(measured))


class Ledger:
    """The claims of one search in a storage.

    Args:
        storage: A storage of Optuna's, see ``open_storage``; closed on leaving ``with``.
        study: Name of the study; made if it is not there.
        plan: What is searched for, as JSON. All workers must have the same.
        maximise: Whether higher values are better.

    Raises:
        InvalidInputError: If the study is there with another plan.
    """

    def __init__(self, storage: Any, study: str, plan: dict[str, Any], *, maximise: bool) -> None:
        import optuna

        self._storage = storage
        self.name = study
        self._study_id = _find_or_create(storage, study, maximise=maximise)
        self._check_plan(plan)
        self._cells: dict[int, Architecture | None] = {}
        self._states = optuna.trial.TrialState
        choices = optuna.distributions.CategoricalDistribution(OPS)
        self._distributions: dict[str, Any] = dict.fromkeys(PARAMETERS, choices)

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_: object) -> None:
        close_storage(self._storage)

    def _check_plan(self, plan: dict[str, Any]) -> None:
        known = self._storage.get_study_user_attrs(self._study_id)
        for name, value in plan.items():
            if name not in known:
                self._storage.set_study_user_attr(self._study_id, name, value)
            elif known[name] != value:
                msg = f"{name}: expected {known[name]!r} as in study {self.name!r}, got {value!r}"
                raise InvalidInputError(msg)

    @property
    def budget(self) -> int | None:
        """The study's budget; None before it is set."""
        return self._storage.get_study_user_attrs(self._study_id).get("budget")

    @budget.setter
    def budget(self, value: int) -> None:
        self._storage.set_study_user_attr(self._study_id, "budget", value)

    def claims(self) -> list[Claim]:
        """Return all claims in the order of their numbers."""
        trials = self._storage.get_all_trials(self._study_id, deepcopy=False)
        read = (self._read(trial) for trial in sorted(trials, key=lambda trial: trial.number))
        return [claim for claim in read if claim is not None]

    def _read(self, trial: Any) -> Claim | None:
        if trial.number not in self._cells:
            edges = {name: trial.params.get(name) for name in PARAMETERS}
            is_cell = all(op in OPS for op in edges.values())
            cell = Architecture.parse({"edges": edges}) if is_cell else None
            self._cells[trial.number] = cell
        known = self._cells[trial.number]
        if known is None:  # a trial that somebody else put into the study
            return None
        is_done = trial.state == self._states.COMPLETE
        return Claim(
            number=trial.number,
            trial_id=trial._trial_id,
            architecture=known,
            open=not trial.state.is_finished(),
            value=trial.value if is_done else None,
            worker=trial.user_attrs.get("worker", ""),
            beat=trial.user_attrs.get("beat", 0),
        )

    def claim(self, architecture: Architecture, worker: str) -> Claim:
        """Claim an architecture and return the claim; what it is worth, ``settle`` says."""
        import optuna

        ops = (OPS[op] for op in architecture.ops)
        trial = optuna.trial.create_trial(
            state=self._states.RUNNING,
            params=dict(zip(PARAMETERS, ops, strict=True)),
            distributions=self._distributions,
            user_attrs={"index": architecture.index, "worker": worker},
        )
        trial_id = int(self._storage.create_new_trial(self._study_id, template_trial=trial))
        number = self._storage.get_trial_number_from_id(trial_id)
        self._cells[number] = architecture
        return Claim(number, trial_id, architecture, True, None, worker, 0)

    def record(self, evaluation: Evaluation) -> None:
        """Put in what was measured before there was a study."""
        # Not made complete at once: Optuna 4 would then overlook the trials that others made.
        self.complete(self.claim(evaluation.architecture, ""), evaluation.value)

    def beat(self, claim: Claim, count: int) -> None:
        """Say that a claim's worker is alive.

        Raises:
            RuntimeError: If the claim has ended; Optuna's ``UpdateFinishedTrialError`` is one.
        """
        self._storage.set_trial_user_attr(claim.trial_id, "beat", count)

    def complete(self, claim: Claim, value: float) -> None:
        """Report a value; it is dropped if the claim has ended."""
        self._end(claim, self._states.COMPLETE, [value])

    def release(self, claim: Claim) -> None:
        """End a claim without a value, so that others may claim its architecture."""
        self._end(claim, self._states.FAIL, None)

    def _end(self, claim: Claim, state: Any, values: list[float] | None) -> None:
        """End a claim; a storage that does not answer is tried again for about a minute."""
        import optuna

        for left in reversed(range(_TRIES)):
            try:
                self._storage.set_trial_state_values(claim.trial_id, state, values)
            except optuna.exceptions.UpdateFinishedTrialError:
                return
            except optuna.exceptions.StorageInternalError:
                if not left:
                    raise
                time.sleep(2.0 ** (_TRIES - left))
            else:
                return


def has_study(storage: Any, study: str) -> bool:
    """Return whether a storage has a study."""
    try:
        storage.get_study_id_from_name(study)
    except KeyError:
        return False
    return True


def _find_or_create(storage: Any, study: str, *, maximise: bool) -> int:
    import optuna

    directions = optuna.study.StudyDirection
    direction = directions.MAXIMIZE if maximise else directions.MINIMIZE
    try:
        return int(storage.get_study_id_from_name(study))
    except KeyError:
        pass
    try:
        with quiet_optuna():
            return int(storage.create_new_study([direction], study_name=study))
    except optuna.exceptions.DuplicatedStudyError:  # another worker was faster
        return int(storage.get_study_id_from_name(study))

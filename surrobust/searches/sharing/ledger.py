"""What workers of one search have claimed and measured, and what their claims are worth.

A *claim* is made with its architecture in one step, and its number is its place in the order that
all workers see. From the claims alone follows what each of them is worth (:func:`settle`): the
first admissible architectures, as many as the budget allows, are the *slots* of the search; a
later claim of the same architecture counts only if the earlier ones were released. So nothing is
measured twice, whoever is killed and whenever.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from ..._checks import check_same
from ..._optuna import quiet_optuna
from ...spaces import EDGES, OPS, Architecture
from ..base import Evaluation
from .storage import close_storage, journal_of


@dataclass(frozen=True, slots=True)
class Claim:
    """One worker's claim of an architecture.

    Args:
        number: Its place in the order of all claims.
        trial_id: Optuna's key of the trial.
        architecture: A representative.
        open: Whether its value is awaited.
        value: What was measured; None if there is none.
        worker: Who measures it.
        beat: How often the worker has said that it is alive.
        error: Why measuring failed; None if it did not.
    """

    number: int
    trial_id: int
    architecture: Architecture
    open: bool
    value: float | None
    worker: str
    beat: int
    error: str | None = None

    @property
    def released(self) -> bool:
        """Whether it has ended and nothing is known, so that others may claim the same."""
        return not self.open and self.value is None and self.error is None


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
        if holders[cell] is None and not claim.released:
            holders[cell] = claim
    return [Slot(cell, holder) for cell, holder in holders.items()]


def evaluations_of(slots: Sequence[Slot], source: str) -> tuple[Evaluation, ...]:
    """Return what is measured or has failed so far, in the order in which it was first claimed."""
    holders = [slot.holder for slot in slots if slot.holder is not None and not slot.holder.open]
    return tuple(
        Evaluation(
            holder.architecture,
            math.nan if holder.value is None else holder.value,
            trial,
            source,
            error=holder.error or "",
        )
        for trial, holder in enumerate(holders)
    )


PARAMETERS = tuple(f"{source}->{target}" for source, target in EDGES)
"""Names of the six parameters of a trial, the choices of each being ``OPS``."""

_ERROR = "error"
"""The attribute of a trial that says why measuring failed."""

_TOKEN = "token"
"""The attribute of a trial that no other claim has."""


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
        self._journal = journal_of(storage)  # in whose lines heartbeats would be the most
        self._beats: dict[int, int] = {}
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
            else:
                check_same(name, value, known[name], as_in=f"study {self.name!r}")

    @property
    def budget(self) -> int | None:
        """The study's budget; None before it is set."""
        return self._storage.get_study_user_attrs(self._study_id).get("budget")

    @budget.setter
    def budget(self, value: int) -> None:
        self._storage.set_study_user_attr(self._study_id, "budget", value)

    def claims(self) -> list[Claim]:
        """Return all claims in the order of their numbers."""
        trials = self._trials()
        self._beats = {} if self._journal is None else self._journal.beats()
        read = (self._read(trial) for trial in trials)
        return [claim for claim in read if claim is not None]

    def _trials(self) -> list[Any]:
        trials = self._storage.get_all_trials(self._study_id, deepcopy=False)
        return sorted(trials, key=lambda trial: trial.number)

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
        is_failed = trial.state == self._states.FAIL
        return Claim(
            number=trial.number,
            trial_id=trial._trial_id,
            architecture=known,
            open=not trial.state.is_finished(),
            value=trial.value if is_done else None,
            worker=trial.user_attrs.get("worker", ""),
            beat=trial.user_attrs.get("beat", 0) + self._beats.get(trial._trial_id, 0),
            error=trial.user_attrs.get(_ERROR) if is_failed else None,
        )

    def claim(self, architecture: Architecture, worker: str) -> Claim:
        """Claim an architecture and return the claim; what it is worth, ``settle`` says."""
        import optuna

        token = uuid4().hex
        ops = (OPS[op] for op in architecture.ops)
        trial = optuna.trial.create_trial(
            state=self._states.RUNNING,
            params=dict(zip(PARAMETERS, ops, strict=True)),
            distributions=self._distributions,
            user_attrs={"index": architecture.index, "worker": worker, _TOKEN: token},
        )
        self._storage.create_new_trial(self._study_id, template_trial=trial)
        # Where a database had made it but could not say so, it was asked to make it again.
        made = [trial for trial in self._trials() if trial.user_attrs.get(_TOKEN) == token]
        made.sort(key=lambda trial: trial.state.is_finished())  # as others end what is silent
        held, *others = (
            Claim(trial.number, trial._trial_id, architecture, True, None, worker, 0)
            for trial in made
        )
        for other in others:
            self.release(other)
        return held

    def record(self, evaluation: Evaluation) -> None:
        """Put in what was measured before there was a study."""
        # Not made complete at once: Optuna 4 would then overlook the trials that others made.
        claim = self.claim(evaluation.architecture, "")
        if evaluation.failed:
            self.fail(claim, evaluation.error)
        else:
            self.complete(claim, evaluation.value)

    def beat(self, claim: Claim, count: int) -> None:
        """Say that a claim's worker is alive.

        Raises:
            RuntimeError: If the claim has ended; Optuna's ``UpdateFinishedTrialError`` is one.
        """
        if self._journal is None:
            self._storage.set_trial_user_attr(claim.trial_id, "beat", count)
        elif self._storage.get_trial(claim.trial_id).state.is_finished():
            msg = f"claim {claim.number} has ended"
            raise RuntimeError(msg)
        else:
            self._journal.beat(claim.trial_id, count)

    def complete(self, claim: Claim, value: float) -> None:
        """Report a value; it is dropped if the claim has ended."""
        self._end(claim, self._states.COMPLETE, [value])

    def fail(self, claim: Claim, reason: str) -> None:
        """Report that measuring failed, and why; it is dropped if the claim has ended."""
        # A worker that dies between the two leaves a claim that others end: it counts as failed.
        self._quietly(lambda: self._storage.set_trial_user_attr(claim.trial_id, _ERROR, reason))
        self._end(claim, self._states.FAIL, None)

    def release(self, claim: Claim) -> None:
        """End a claim without a value, so that others may claim its architecture."""
        self._end(claim, self._states.FAIL, None)

    def _end(self, claim: Claim, state: Any, values: list[float] | None) -> None:
        self._quietly(lambda: self._storage.set_trial_state_values(claim.trial_id, state, values))

    def _quietly(self, change: Callable[[], Any]) -> None:
        """Change a claim, unless it has ended."""
        import optuna

        try:
            change()
        except optuna.exceptions.UpdateFinishedTrialError:
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

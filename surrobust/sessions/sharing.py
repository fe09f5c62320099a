"""Searches that several workers share, in this process, in others, or on other machines."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from .._checks import check_integer
from .._files import temporary_folder
from ..errors import InvalidInputError, StorageLostError
from ..objectives.sources import Objective
from ..processes.trend import Prior
from ..searches import AbstractSearch, Evaluation, SearchResult
from ..searches.base import count_by_function
from ..searches.sharing.lease import HEARTBEAT
from ..searches.sharing.ledger import Ledger, Slot, evaluations_of, has_study, settle
from ..searches.sharing.storage import (
    JOURNAL_NAME,
    close_storage,
    is_there,
    open_storage,
    warn_if_large,
)
from ..searches.sharing.worker import Worker
from ..spaces import NASBench201
from ..typing import AnyPath
from .processes import run_processes
from .strategies import make_search


@dataclass(frozen=True, slots=True)
class Sharing:
    """Where the workers of a search meet, and how many are started here.

    Args:
        storage: Journal file or database URL.
        study: Name of the study; empty means one that follows from target, strategy and seed.
        workers: Processes; 1 means to work in this one.
        seconds: From one heartbeat of a worker to the next.
        lasting: Whether the storage is there after the search.
    """

    storage: str
    study: str
    workers: int
    seconds: float
    lasting: bool = True


@contextmanager
def shared_by(
    storage: AnyPath | None,
    *,
    study: str | None = None,
    workers: int = 1,
    heartbeat: float = HEARTBEAT,
    out: AnyPath | None = None,
    resume: bool = False,
) -> Iterator[Sharing | None]:
    """Yield how a search is shared, None if it is not.

    Without a storage, several workers meet in a journal in ``out``, or in a temporary one; a
    search that was shared so before is continued so.

    Raises:
        InvalidInputError: If an argument is not as expected.
    """
    check_integer("workers", workers, minimum=1)
    if not isinstance(heartbeat, int | float) or not 0 < heartbeat < float("inf"):
        msg = f"heartbeat: expected seconds above 0, got {heartbeat!r}"
        raise InvalidInputError(msg)
    if storage is None and out is not None:
        journal = Path(out) / JOURNAL_NAME
        if workers > 1 or (resume and journal.exists()):
            storage = journal
    if storage is not None:
        yield Sharing(str(storage), study or "", workers, float(heartbeat))
    elif workers > 1:
        with temporary_folder(Path(tempfile.gettempdir()) / "surrobust") as folder:
            place = str(folder / JOURNAL_NAME)
            yield Sharing(place, study or "", workers, float(heartbeat), lasting=False)
    else:
        yield None


def check_shareable(plan: SearchResult) -> None:
    """Check that workers may share a search.

    Raises:
        InvalidInputError: If it has several objectives, or bounds.
    """
    if plan.directions or plan.bounds:
        got = f"{len(plan.directions) or 1} and {len(plan.bounds)}"
        msg = f"workers: expected one objective and no bounds where workers share it, got {got}"
        raise InvalidInputError(msg)


@dataclass(frozen=True, slots=True)
class Job:
    """All that a worker needs, in another process too.

    Args:
        plan: What is searched for.
        sharing: Where the workers meet.
        source: Makes the objective.
        prior: A predictor that guided strategies start from.
        on_failure: What a worker does where measuring fails; a word of ``ON_FAILURE``.
    """

    plan: SearchResult
    sharing: Sharing
    source: Callable[[], Objective]
    prior: Prior | None
    on_failure: str

    @property
    def study(self) -> str:
        """The study's name."""
        plan = self.plan
        return self.sharing.study or f"{plan.target} {plan.strategy} seed {plan.seed}"

    def is_begun(self) -> bool:
        """Return whether the storage has the study; makes neither."""
        if not is_there(self.sharing.storage):
            return False
        storage = open_storage(self.sharing.storage)
        try:
            return has_study(storage, self.study)
        finally:
            close_storage(storage)

    def open(self) -> Ledger:
        """Return the ledger of the search."""
        plan = self.plan
        names = ("target", "objective", "strategy", "seed", "warm_start", "prior")
        facts = {key: getattr(plan, key) for key in names}
        storage = open_storage(self.sharing.storage)
        return Ledger(storage, self.study, facts, maximise=plan.higher_is_better)

    def agree(self, *, budget: int | None, resume: bool) -> "Job":
        """Return the job with the budget of its study, which is made if it is not there.

        Args:
            budget: The budget that the user gave; None if none.
            resume: Whether the study's budget may be raised.

        Raises:
            InvalidInputError: If the user gave another one.
        """
        warn_if_large(self.sharing.storage)
        with self.open() as ledger:
            known = ledger.budget
            if known is None or (resume and (budget or 0) > known):
                known = ledger.budget = self.plan.budget
        if budget not in (None, known):
            hint = "" if resume else " (--resume raises it)"
            msg = f"budget: expected {known} as in study {self.study!r}{hint}, got {budget}"
            raise InvalidInputError(msg)
        return replace(self, plan=replace(self.plan, budget=known))

    def work(
        self,
        report: Callable[[Sequence[Slot]], None] | None = None,
        may_go_on: Callable[[], bool] = lambda: True,
    ) -> None:
        """Work until the budget is spent."""
        with self.open() as ledger:
            Worker(
                ledger,
                self._make_strategy,
                self.source().measure,
                seed=self.plan.seed,
                maximise=self.plan.higher_is_better,
                seconds=self.sharing.seconds,
                report=report,
                on_failure=self.on_failure,
            ).run(may_go_on)

    def _make_strategy(self, seed: int) -> AbstractSearch:
        plan = self.plan
        return make_search(
            plan.strategy,
            seed=seed,
            prior=self.prior,
            target=plan.target,
            warm_start=plan.warm_start,
        )


def run_shared(
    job: Job,
    *,
    recorded: Sequence[Evaluation],
    check: Callable[[Sequence[Evaluation]], None] | None,
    write: Callable[[SearchResult], None],
    progress: Callable[[SearchResult], None] | None,
) -> SearchResult:
    """Work on a shared search until its budget is spent.

    Args:
        job: What to do.
        recorded: What the folder of the search has; what the study lacks of it goes there.
        check: Called with this, and with what the study has; None believes both.
        write: Called with the search whenever something was measured, by whichever worker.
        progress: Called with the search whenever something new was measured.

    Raises:
        InvalidInputError: If an argument is not as expected, or the study is of another search.
    """
    view = _View(job.plan, write, progress)
    n_functions = len(count_by_function(NASBench201))
    with job.open() as ledger:

        def slots() -> list[Slot]:
            return settle(ledger.claims(), budget=view.plan.budget, n_functions=n_functions)

        # Before any of it goes into the study, where the other workers would believe it.
        if check is not None:
            check(recorded)
            check(evaluations_of(slots(), job.plan.objective))
        _record_all(ledger, recorded)

        def look() -> None:
            view(slots())

        def is_over() -> bool:  # elsewhere the budget may have been raised meanwhile
            return view.is_complete and ledger.budget == view.plan.budget

        try:
            if job.sharing.workers == 1:
                job.work(report=view)
            else:
                run_processes(
                    job.work, job.sharing.workers, look, lambda: view.is_complete, is_over
                )
        except (RuntimeError, StorageLostError) as error:
            error.add_note(_kept(job, len(view.result.evaluations)))
            raise
    return view.result


def _record_all(ledger: Ledger, recorded: Sequence[Evaluation]) -> None:
    """Put into a study what a resumed search has and it has not.

    That is all if the study is new, a part if a process was killed here, or if the study is older.
    """
    claims = ledger.claims()
    for claim in claims:
        if claim.open and not claim.worker:  # left by the process that was killed
            ledger.release(claim)
    known = {claim.architecture for claim in claims if not claim.open and not claim.released}
    for evaluation in recorded:
        if evaluation.architecture not in known:
            ledger.record(evaluation)


def _kept(job: Job, n: int) -> str:
    """Return what is left of a search whose workers are dead."""
    if not job.sharing.lasting:
        return "nothing is kept without --out or --storage (out, storage)"
    return f"{n} of {job.plan.budget} evaluations are kept, --resume (resume=True) goes on"


class _View:
    """A search as its workers' slots show it."""

    def __init__(
        self,
        plan: SearchResult,
        write: Callable[[SearchResult], None],
        progress: Callable[[SearchResult], None] | None,
    ) -> None:
        self.plan = plan
        self.result = plan
        self.is_complete = False
        self._write, self._progress = write, progress
        self._is_written = False

    def __call__(self, slots: Sequence[Slot]) -> None:
        """Write the search and tell of it, if it is new."""
        evaluations = evaluations_of(slots, self.plan.objective)
        is_new = len(evaluations) > len(self.result.evaluations)
        self.is_complete = len(evaluations) == self.plan.budget
        self.result = replace(self.plan, evaluations=evaluations)
        # Once in any case, so that the folder has the search before anything is measured.
        if is_new or not self._is_written:
            self._write(self.result)
            self._is_written = True
        if is_new and self._progress is not None:
            self._progress(self.result)

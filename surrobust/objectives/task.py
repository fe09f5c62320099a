"""The running of a search: alone or shared, recorded and resumed."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from .._checks import check_choice
from ..errors import InvalidInputError
from ..searches import AbstractSearch, Evaluation, SearchResult, ZeroCostSearch, run
from ..searches.failures import ON_FAILURE
from ..searches.prior import Prior
from ..searches.result import N_FINALISTS
from ..typing import AnyPath
from .gradient import GRADIENT_STRATEGIES, GradientOptions
from .plans import check_free, read_recorded
from .sharing import Job, check_shareable, run_shared, shared_by
from .sources import Objective
from .strategies import make_search

logger = logging.getLogger(__name__)

_TOLD = 5
"""Failed evaluations that are named at the end; all are in ``search.json``."""

Progress = Callable[[SearchResult], None]
"""Called with the search so far."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a search is recorded and who works on it; see ``start.search``."""

    out: AnyPath | None
    resume: bool
    storage: AnyPath | None
    study: str | None
    workers: int
    heartbeat: float

    def recorded(self) -> SearchResult | None:
        """Return the search to be resumed, if any."""
        if not self.resume:
            return None
        if self.out is None and self.storage is None:
            msg = "resume: expected a folder to resume from as out, got none"
            raise InvalidInputError(msg)
        return read_recorded(self.out)


@dataclass(frozen=True, slots=True)
class Task:
    """What a search is to do.

    Raises:
        InvalidInputError: If ``on_failure`` is no word of ``ON_FAILURE``.
    """

    plan: SearchResult
    objective: Objective
    source: Callable[[], Objective]
    budget: int | None  # as the user gave it
    recorded: SearchResult | None
    progress: Progress | None
    prior: Prior | None = None
    batch: int | None = None
    gradient: GradientOptions | None = None
    on_failure: str = "record"

    def __post_init__(self) -> None:
        check_choice("on_failure", self.on_failure, ON_FAILURE)


def run_task(task: Task, place: Place) -> SearchResult:
    """Run or resume a search, alone or with other workers.

    Raises:
        InvalidInputError: If a value is not as expected, or a search is there that is not to be
            resumed.
    """
    plan = task.plan
    strategy = make_search(
        plan.strategy,
        seed=plan.seed,
        prior=task.prior,
        target=plan.target,
        warm_start=plan.warm_start,
        gradient=task.gradient,
        out=place.out,
        candidates=task.objective.candidates,
        goals=plan.goals,
        known=task.objective.known,
    )
    if isinstance(strategy, ZeroCostSearch) and plan.budget == 0:
        return _rank_only(plan, strategy, place)

    def write(result: SearchResult) -> None:
        if place.out is not None:
            result.write(place.out)

    with shared_by(
        place.storage,
        study=place.study,
        workers=place.workers,
        heartbeat=place.heartbeat,
        out=place.out,
        resume=place.resume,
    ) as sharing:
        if sharing is None:
            if not place.resume:
                check_free(place.out)
            result = _run_alone(task, strategy, write)
        else:
            check_shareable(plan)
            job = Job(task.plan, sharing, task.source, task.prior, task.on_failure)
            if plan.strategy in GRADIENT_STRATEGIES:
                msg = f"workers: expected one with strategy {plan.strategy}, and no storage"
                raise InvalidInputError(msg)
            if task.batch is not None:
                msg = f"batch: expected none where workers share a search, got {task.batch}"
                raise InvalidInputError(msg)
            if not place.resume and not job.is_begun():
                check_free(place.out)
            job = job.agree(budget=task.budget, resume=place.resume)
            result = run_shared(job, recorded=task.recorded, write=write, progress=task.progress)
    n_done = len(result.evaluations)
    if n_done < result.budget:
        logger.warning("budget: all %d representatives are measured, the search ends", n_done)
    _tell_failures(result)
    return result


def _tell_failures(result: SearchResult) -> None:
    """Name the evaluations that failed."""
    failures = result.failures
    if not failures:
        return
    told = "; ".join(f"{e.architecture.code}: {e.error}" for e in failures[:_TOLD])
    more = f"; and {len(failures) - _TOLD} more" if len(failures) > _TOLD else ""
    n = len(result.evaluations)
    logger.warning("failed: %d of %d evaluations: %s%s", len(failures), n, told, more)


def _rank_only(plan: SearchResult, strategy: ZeroCostSearch, place: Place) -> SearchResult:
    """Return a search without evaluations, whose finalists are the best ranked."""
    result = replace(plan, ranked=tuple(strategy.ranking(N_FINALISTS)))
    if place.out is not None:
        if not place.resume:
            check_free(place.out)
        result.write(place.out)
    return result


def _run_alone(
    task: Task, strategy: AbstractSearch, write: Callable[[SearchResult], None]
) -> SearchResult:
    plan = task.plan
    done = list(task.recorded.evaluations) if task.recorded is not None else []
    if task.recorded is None:
        write(plan)

    def report(evaluation: Evaluation) -> None:
        done.append(evaluation)
        write(replace(plan, evaluations=tuple(done)))
        if task.progress is not None:
            task.progress(replace(plan, evaluations=tuple(done)))

    evaluations = run(
        strategy,
        task.objective.measure,
        budget=plan.budget,
        source=plan.objective,
        goals=plan.goals,
        recorded=tuple(done),
        report=report,
        batch=task.batch,
        on_failure=task.on_failure,
    )
    result = replace(plan, evaluations=evaluations)
    if task.recorded is not None:  # not before: it might have been another search
        write(result)
    return result

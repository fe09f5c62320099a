"""The running of a search: alone or shared, recorded and resumed."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from .._checks import check_choice
from ..errors import InvalidInputError
from ..objectives.sources import Objective
from ..processes.trend import Prior
from ..searches import AbstractSearch, Evaluation, SearchResult, ZeroCostSearch, run
from ..searches.failures import ON_FAILURE
from ..searches.result import N_FINALISTS
from ..typing import AnyPath
from .folders import check_recorded, check_unchanged, hold_folder, read_same, shared_writer
from .gradient import GRADIENT_STRATEGIES, GradientOptions
from .plan import check_free, read_recorded
from .sharing import Job, Sharing, check_shareable, run_shared, shared_by
from .strategies import make_search

logger = logging.getLogger(__name__)

_TOLD = 5
"""Failed evaluations that are named at the end; all are in ``search.json``."""

SearchProgress = Callable[[SearchResult], None]
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
    progress: SearchProgress | None
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
        with hold_folder(place.out, shared=False):
            return _rank_only(plan, strategy, place)
    with shared_by(
        place.storage,
        study=place.study,
        workers=place.workers,
        heartbeat=place.heartbeat,
        out=place.out,
        resume=place.resume,
    ) as sharing:
        if sharing is not None:
            _check_shareable(task)
        with hold_folder(place.out, shared=sharing is not None):
            if sharing is None:
                result = _run_alone(task, strategy, place)
            else:
                result = _run_together(task, place, sharing)
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


def _run_alone(task: Task, strategy: AbstractSearch, place: Place) -> SearchResult:
    plan = task.plan
    if place.resume:
        check_unchanged(place.out, task.recorded)
    else:
        check_free(place.out)

    def write(result: SearchResult) -> None:
        if place.out is not None:
            result.write(place.out)

    done: list[Evaluation] = []
    if task.recorded is None:
        write(plan)
    else:
        done += task.recorded.evaluations
        check_recorded(done, task.objective, version=task.recorded.version)

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


def _check_shareable(task: Task) -> None:
    check_shareable(task.plan)
    if task.plan.strategy in GRADIENT_STRATEGIES:
        msg = f"workers: expected one with strategy {task.plan.strategy}, and no storage"
        raise InvalidInputError(msg)
    if task.batch is not None:
        msg = f"batch: expected none where workers share a search, got {task.batch}"
        raise InvalidInputError(msg)


def _run_together(task: Task, place: Place, sharing: Sharing) -> SearchResult:
    job = Job(task.plan, sharing, task.source, task.prior, task.on_failure)
    if not place.resume and not job.is_begun():
        check_free(place.out)
    # Whoever joins a search has read nothing yet, and who resumes one, before the folder was held.
    recorded = read_same(place.out, task.plan)
    check = None
    if place.resume:
        version = task.plan.version if recorded is None else recorded.version
        check = partial(check_recorded, objective=task.objective, version=version)
    return run_shared(
        job.agree(budget=task.budget, resume=place.resume),
        recorded=() if recorded is None else recorded.evaluations,
        check=check,
        write=(lambda _: None) if place.out is None else shared_writer(place.out),
        progress=task.progress,
    )

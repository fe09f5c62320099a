"""The searches that users start, and how they go on after a crash."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from .._checks import brief, check_choice, check_integer
from ..errors import InvalidInputError
from ..searches import Evaluation, SearchResult, read_result, run
from ..searches.guided import Prior
from ..searches.result import FILE_NAME
from ..spaces import Architecture
from ..targets import DEFAULT_TARGET, Target
from ..typing import AnyPath
from .sources import OBJECTIVES, Objective, make_objective
from .strategies import make_search

logger = logging.getLogger(__name__)

Progress = Callable[[Evaluation], None]


def search(
    target: str = DEFAULT_TARGET,
    *,
    budget: int = 50,
    strategy: str = "default",
    objective: str = "auto",
    seed: int = 0,
    out: AnyPath | None = None,
    resume: bool = False,
    data_dir: AnyPath | None = None,
    progress: Progress | None = None,
) -> SearchResult:
    """Search NAS-Bench-201 for the best value of a benchmark's target.

    Accuracies are maximised; latencies and energies (``hw-nas-bench``) are minimised.

    Args:
        target: ``<benchmark>/<images>/<metric>``.
        budget: Evaluations at most.
        strategy: Name in ``SEARCHES``.
        objective: Name in ``OBJECTIVES``.
        seed: Seed of the strategy.
        out: Folder of ``search.json``, written after every evaluation; a former one is replaced.
        resume: Go on from ``out/search.json``, if it is there, as if never interrupted.
        data_dir: Where the tables are; see ``load_table``.
        progress: Called with every new evaluation.

    Raises:
        InvalidInputError: If an argument is not as expected, or ``search.json`` is damaged or of
            another search.
        MissingMeasurementError: If there are no values for the target.
    """
    key = str(Target.parse(target))
    check_choice("objective", objective, OBJECTIVES)
    recorded = _read_recorded(out) if resume else None
    if objective == "auto" and recorded is not None and recorded.objective in OBJECTIVES:
        objective = recorded.objective
    return _run(
        make_objective(objective, key, data_dir=data_dir),
        SearchResult(key, "", strategy, budget, seed, ()),
        out=out,
        recorded=recorded,
        prior=None,
        progress=progress,
    )


def run_search(
    objective: Callable[[Architecture], float],
    *,
    budget: int = 50,
    strategy: str = "default",
    seed: int = 0,
    prior: Prior | None = None,
    out: AnyPath | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> SearchResult:
    """Search NAS-Bench-201 for the highest value of a function.

    Args:
        objective: Architecture to finite number; what it raises is passed on.
        budget: Evaluations at most.
        strategy: Name in ``SEARCHES``.
        seed: Seed of the strategy.
        prior: A fitted predictor of one value; a guided strategy starts from what it predicts.
        out: Folder of ``search.json``, written after every evaluation; a former one is replaced.
        resume: Go on from ``out/search.json``, if it is there, as if never interrupted.
        progress: Called with every new evaluation.

    Raises:
        InvalidInputError: If an argument or a value is not as expected, or ``search.json`` is
            damaged or of another search.
    """
    if not callable(objective):
        msg = f"objective: expected a callable, got {brief(objective)}"
        raise InvalidInputError(msg)
    return _run(
        Objective("callable", objective),
        SearchResult(None, "", strategy, budget, seed, ()),
        out=out,
        recorded=_read_recorded(out) if resume else None,
        prior=prior,
        progress=progress,
    )


def _run(
    objective: Objective,
    plan: SearchResult,
    *,
    out: AnyPath | None,
    recorded: SearchResult | None,
    prior: Prior | None,
    progress: Progress | None,
) -> SearchResult:
    check_integer("budget", plan.budget, minimum=1)
    strategy = make_search(plan.strategy, seed=plan.seed, prior=prior)
    plan = replace(plan, objective=objective.name)
    if recorded is not None:
        _check_same_search(recorded, plan)
    done = list(recorded.evaluations) if recorded is not None else []
    if out is not None:
        replace(plan, evaluations=tuple(done)).write(out)

    def report(evaluation: Evaluation) -> None:
        done.append(evaluation)
        if out is not None:
            replace(plan, evaluations=tuple(done)).write(out)
        if progress is not None:
            progress(evaluation)

    evaluations = run(
        strategy,
        objective.measure,
        budget=plan.budget,
        source=objective.name,
        maximise=plan.higher_is_better,
        recorded=tuple(done),
        report=report,
    )
    if len(evaluations) < plan.budget:
        logger.warning("budget: all %d representatives are measured, the search ends", len(done))
    return replace(plan, evaluations=evaluations)


def _read_recorded(out: AnyPath | None) -> SearchResult | None:
    if out is None:
        msg = "resume: expected a folder to resume from as out, got none"
        raise InvalidInputError(msg)
    path = Path(out) / FILE_NAME
    return read_result(path) if path.exists() else None


def _check_same_search(recorded: SearchResult, plan: SearchResult) -> None:
    for name in ("target", "objective", "strategy", "seed"):
        old, new = getattr(recorded, name), getattr(plan, name)
        if old != new:
            msg = f"{name}: expected {brief(old)} as in the search to be resumed, got {brief(new)}"
            raise InvalidInputError(msg)
    if len(recorded.evaluations) > plan.budget:
        msg = (
            f"budget: expected at least the {len(recorded.evaluations)} evaluations of the search "
            f"to be resumed, got {plan.budget}"
        )
        raise InvalidInputError(msg)

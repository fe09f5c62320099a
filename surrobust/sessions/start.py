"""The searches that users start, and how they go on after a crash."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from .._checks import brief, check_choice, check_integer
from ..errors import InvalidInputError
from ..objectives.goals import (
    Limits,
    bounded_callable,
    read_bounds,
    read_targets,
    several_objective,
)
from ..objectives.sources import OBJECTIVES, Objective, make_objective
from ..objectives.trained import NAME as TRAIN
from ..objectives.trained import TrainOptions, settle_options, train_objective, train_target
from ..processes.trend import Prior
from ..searches import SearchResult
from ..searches.goals import check_directions
from ..targets import DEFAULT_TARGET
from ..typing import AnyPath
from .gradient import GradientOptions
from .plan import DEFAULTS, plan_search
from .prior import GIVEN, NONE, find_prior, settle_word, word_for
from .sharing import HEARTBEAT
from .task import Place, SearchProgress, Task, run_task


def search(
    target: str | Sequence[str] | None = None,
    *,
    maximum: Limits | None = None,
    minimum: Limits | None = None,
    budget: int | None = None,
    strategy: str | None = None,
    objective: str | None = None,
    seed: int | None = None,
    warm_start: int | None = None,
    prior: Any = None,
    gradient: GradientOptions | None = None,
    training: TrainOptions | Mapping[str, Any] | None = None,
    out: AnyPath | None = None,
    resume: bool = False,
    storage: AnyPath | None = None,
    study: str | None = None,
    workers: int = 1,
    heartbeat: float = HEARTBEAT,
    on_failure: str = "record",
    data_dir: AnyPath | None = None,
    progress: SearchProgress | None = None,
) -> SearchResult:
    """Search NAS-Bench-201 for the best value of a benchmark's target.

    Accuracies are maximised; latencies and energies (``hw-nas-bench``), ``params`` and ``flops``
    are minimised. With several targets the finalists are the Pareto front. Counts and the devices'
    figures are known beforehand: what breaks a bound on them is never proposed. What is None is as
    in the search that is resumed, else as in ``objectives.plans.DEFAULTS``.

    Args:
        target: ``<benchmark>/<images>/<metric>``; nas-robbench-201/cifar10/pgd-8. Or several of
            them, after the first also ``params``, ``flops`` or a metric alone, which is a device's
            or else one of the first's benchmark and images.
        maximum: The most that quantities may be, named as the targets are:
            ``{"raspi4-latency": 10}``; milliseconds, millijoules, counts, fractions.
        minimum: The least that they may be: ``{"clean": 0.7}``.
        budget: Evaluations at most; 50. It may be raised when a search is resumed.
        strategy: Name in ``SEARCHES``; default.
        objective: Name in ``OBJECTIVES``; auto.
        seed: Seed of the strategy; 0.
        warm_start: How many evaluations come first from the top of the zero-cost ranking
            (``objectives.scores.zero_cost_scores``), whatever the strategy; 0.
        prior: What is known of other targets: a fitted predictor, the name of a shipped one, or a
            folder; ``none``; or ``auto``, which takes the shipped predictor of the target's
            benchmark where values are measured and the strategy is ``default``. Its column of
            the target itself is left out. auto.
        gradient: Options of the strategies ``darts``, ``dsrna`` and ``arnas``, which search with
            images before they look anything up.
        training: How the objective ``train`` trains, as :class:`TrainOptions` or their names and
            values. The target is then ``records/<images>/<metric>``.
        out: Folder of ``search.json``, written after every evaluation.
        resume: Go on from ``out/search.json``, if it is there, as if never interrupted.
        storage: Journal file or URL of a database in which workers meet. The same call from
            other processes or machines takes part in the search.
        study: The search's name in the storage; None derives one from target, strategy and seed.
        workers: Processes started here. Without a storage they meet in a journal in ``out``.
        heartbeat: Seconds between a worker's signs of life; one silent for four of them is taken
            for dead, and its architecture is measured by another.
        on_failure: Where a value is missing (None, NaN, infinite) or measuring raises a
            ``FloatingPointError``, as trainings that diverge do: ``record`` counts the evaluation
            as failed, learns it as the worst so far and goes on; ``raise`` ends the search.
        data_dir: Where the tables are; see ``load_table``.
        progress: Called with the search so far whenever something was measured.

    Returns:
        What was measured, in the order of the trials; ``finalists`` has the best, or the front.

    Raises:
        InvalidInputError: If an argument is not as expected, ``search.json`` is damaged or of
            another search, or it is there and not to be resumed.
        MissingMeasurementError: If there are no values for the target.
    """
    goals = read_targets(target)
    check_choice("objective", "auto" if objective is None else objective, OBJECTIVES)
    place = Place(out, resume, storage, study, workers, heartbeat)
    recorded = place.recorded()
    trained = _find_training(objective, recorded, goals, training, out)
    known = recorded or DEFAULTS
    beside = goals.get("target") or known.target or DEFAULTS.target
    options = {"objective": objective, "strategy": strategy, "seed": seed, **goals}
    options["bounds"] = read_bounds(maximum, minimum, beside=str(beside))
    options |= {"warm_start": warm_start, "prior": word_for(prior)}
    plan = plan_search(DEFAULTS, recorded, budget=budget, **options)
    if plan.target is None:
        msg = "target: expected the search of a target to be resumed, got that of a callable"
        raise InvalidInputError(msg)
    source: Callable[[], Objective]
    strict = objective == "table"
    if (plan.targets or plan.bounds) and trained is None:
        measured = several_objective(plan, strict=strict, data_dir=data_dir)
        source = partial(make_objective, measured.name, plan.target, data_dir=data_dir)
    else:
        measured, source = _find(plan.objective, plan.target, trained, place, plan.seed, data_dir)
        if plan.targets or plan.bounds:
            measured = several_objective(plan, measured, data_dir=data_dir)
    plan = replace(plan, objective=measured.name)
    plan = replace(plan, prior=settle_word(plan))
    known_targets = find_prior(plan, prior)
    task = Task(
        plan,
        measured,
        source,
        budget,
        recorded,
        progress,
        known_targets,
        gradient=gradient,
        on_failure=on_failure,
    )
    return run_task(task, place)


def _find_training(
    objective: str | None,
    recorded: SearchResult | None,
    goals: dict[str, Any],
    training: TrainOptions | Mapping[str, Any] | None,
    out: AnyPath | None,
) -> TrainOptions | None:
    """Return how the objective ``train`` trains and name its target; None for other objectives."""
    inherited = recorded.objective if recorded is not None else None
    if (objective or inherited) != TRAIN:
        return None
    wanted = goals.get("target") or (recorded and recorded.target) or DEFAULT_TARGET
    options = settle_options(training, wanted, out)
    goals["target"] = train_target(wanted, options)
    if goals.get("targets"):
        goals["targets"] = (goals["target"], *goals["targets"][1:])
    return options


def _find(
    name: str,
    target: str,
    trained: TrainOptions | None,
    place: Place,
    seed: int,
    data_dir: AnyPath | None,
) -> tuple[Objective, Callable[[], Objective]]:
    """Return an objective, and what makes it once more in another process."""
    if trained is None:
        measured = make_objective(name, target, data_dir=data_dir)
        return measured, partial(make_objective, measured.name, target, data_dir=data_dir)
    source = partial(
        train_objective,
        target,
        trained,
        out=place.out,
        storage=place.storage,
        seed=seed,
        data_dir=data_dir,
    )
    return source(), source


def run_search(
    objective: Callable[..., Any],
    *,
    directions: Sequence[str] | None = None,
    maximum: Limits | None = None,
    minimum: Limits | None = None,
    budget: int | None = None,
    strategy: str | None = None,
    seed: int | None = None,
    prior: Prior | None = None,
    warm_start: int | None = None,
    batch: int | None = None,
    gradient: GradientOptions | None = None,
    out: AnyPath | None = None,
    resume: bool = False,
    storage: AnyPath | None = None,
    study: str | None = None,
    workers: int = 1,
    heartbeat: float = HEARTBEAT,
    on_failure: str = "record",
    progress: SearchProgress | None = None,
) -> SearchResult:
    """Search NAS-Bench-201 for the highest value of a function, or the front of several values.

    What is None is as in the search that is resumed, else as in ``objectives.plans.DEFAULTS``.

    Args:
        objective: Architecture to number; None, NaN or infinity say that measuring failed. With
            ``batch``, a list of architectures to as many numbers.
        directions: ``maximize`` or ``minimize`` for each of several numbers that the objective
            returns, such as ``("maximize", "minimize")``; None means one number to be maximised.
        maximum: The most that ``params``, ``flops`` or the figures of devices may be; see
            :func:`search`.
        minimum: The least that they may be.
        budget: Evaluations at most; 50. It may be raised when a search is resumed.
        strategy: Name in ``SEARCHES``; default.
        seed: Seed of the strategy; 0.
        prior: A fitted predictor that guided strategies start from, of one value or of several,
            which then count the same; its order matters, not its scale.
        warm_start: How many evaluations come first from the top of the zero-cost ranking; 0.
        batch: Architectures asked for at once, before a value of any of them is known.
        gradient: Options of the strategies ``darts``, ``dsrna`` and ``arnas``, which need images.
        out: Folder of ``search.json``, written after every evaluation.
        resume: Go on from ``out/search.json``, if it is there, as if never interrupted.
        storage: Journal file or URL of a database in which workers meet; see :func:`search`.
        study: The search's name in the storage, which a function does not have by itself.
        workers: Processes started here; the objective has to be importable by them.
        heartbeat: Seconds between a worker's signs of life; see :func:`search`.
        on_failure: ``record`` or ``raise``; see :func:`search`. What an objective raises that is no
            ``FloatingPointError`` ends the search, with a note that names the architecture. Where a
            batch raises one, all of it has failed; return NaN for those that have.
        progress: Called with the search so far whenever something was measured.

    Returns:
        What was measured, in the order of the trials; ``finalists`` has the best, or the front.

    Raises:
        InvalidInputError: If an argument or a value is not as expected, ``search.json`` is
            damaged or of another search, or it is there and not to be resumed.
    """
    if not callable(objective):
        msg = f"objective: expected a callable, got {brief(objective)}"
        raise InvalidInputError(msg)
    if batch is not None:
        check_integer("batch", batch, minimum=1)
    if storage is not None and study is None:
        msg = "study: expected a name for what is searched in the storage, got none"
        raise InvalidInputError(msg)
    place = Place(out, resume, storage, study, workers, heartbeat)
    recorded = place.recorded()
    defaults = replace(DEFAULTS, target=None, objective="callable", prior=NONE)
    options: dict[str, Any] = {"objective": "callable", "strategy": strategy, "seed": seed}
    options |= {"warm_start": warm_start, "prior": None if prior is None else GIVEN}
    options["bounds"] = read_bounds(maximum, minimum, beside=DEFAULT_TARGET)
    if directions is not None:
        options["directions"] = check_directions(directions)
    plan = plan_search(defaults, recorded, budget=budget, **options)
    measured = Objective("callable", objective)
    if plan.bounds:
        measured = bounded_callable(objective, plan, batch=batch is not None)
    source = partial(Objective, "callable", objective)
    known = find_prior(plan, prior)
    task = Task(
        plan,
        measured,
        source,
        budget,
        recorded,
        progress,
        known,
        batch,
        gradient,
        on_failure,
    )
    return run_task(task, place)

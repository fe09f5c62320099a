"""Many searches, kept in one file from which a broken comparison continues."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ..._checks import check_choice, check_integer
from ..._locks import hold
from ...errors import InvalidInputError
from ...targets import check_target
from ...typing import AnyPath
from ..peers import PEERS
from ..predictors.protocol import TARGETS
from ..rows import measure_missing, read_results, write_results
from .protocol import BUDGETS, SearchRun, known_strategies, plans_ahead, search_once, to_be_found

Key = tuple[str, str, int, int]


def run_searches(
    strategies: Sequence[str],
    *,
    targets: Sequence[str] = TARGETS,
    budgets: Sequence[int] = BUDGETS,
    seeds: Iterable[int] = range(50),
    out: AnyPath,
    jobs: int = 1,
    data_dir: AnyPath | None = None,
    progress: Callable[[int, int, SearchRun], None] | None = None,
) -> list[SearchRun]:
    """Run every strategy x target x seed; what ``out`` already holds is not run again.

    A run of the largest budget holds those of the smaller ones, except where a strategy plans
    ahead: that has a run for each budget.

    Args:
        strategies: Names in ``SEARCHES`` or ``PEERS``.
        targets: Target keys.
        budgets: Evaluations after which to compare.
        seeds: Of the strategies.
        out: CSV file, written atomically after every run. Other runs in it are kept.
        jobs: Processes.
        data_dir: Where the tables are.
        progress: Called with (done, total, run) after every run.

    Returns:
        The runs asked for, in the order strategy, target, seed, budget.

    Raises:
        InvalidInputError: If a name, a target or a number is not possible, a peer is not
            installed, ``out`` is damaged, or another process writes there; nothing is run or
            written then.
    """
    check_searches(strategies, targets, budgets, data_dir=data_dir)
    check_integer("jobs", jobs, minimum=1)
    wanted = dict.fromkeys(
        (name, target, check_integer("seed", seed, minimum=0), budget)
        # Seeds outside: what is broken off has whole comparisons.
        for seed in seeds
        for name in strategies
        for target in targets
        for budget in (budgets if plans_ahead(name) else [max(budgets)])
    )
    # Two that write one file would each lose what the other adds.
    with hold(f"{out}.lock"):
        known = {run.key: run for run in (read_runs(out) if Path(out).exists() else [])}
        measure_missing(
            out,
            known,
            [key for key, run in _served(wanted, known.values()).items() if run is None],
            _run,
            total=len(wanted),
            jobs=jobs,
            data_dir=data_dir,
            progress=progress,
        )
    return [run for run in _served(sorted(wanted), known.values()).values() if run is not None]


def check_searches(
    strategies: Iterable[str],
    targets: Iterable[str],
    budgets: Sequence[int],
    *,
    data_dir: AnyPath | None = None,
) -> None:
    """Refuse what cannot be run.

    Raises:
        InvalidInputError: If a strategy or target is not known, a peer is not installed, or a
            budget is too small.
        MissingMeasurementError: If a table is not here.
    """
    if not budgets:
        msg = "budgets: expected at least one, got none"
        raise InvalidInputError(msg)
    for budget in budgets:
        check_integer("budget", budget, minimum=1)
    for name in strategies:
        if check_choice("strategy", name, known_strategies()) in PEERS:
            PEERS[name].check_installed()
    for target in targets:
        check_target(target)
        # A table that is not here is told of before the first run.
        to_be_found(target, data_dir=data_dir)


def _served(wanted: Iterable[Key], known: Iterable[SearchRun]) -> dict[Key, SearchRun | None]:
    """Return for each key the shortest known run that tells what that run would, if any."""
    found: dict[tuple[str, str, int], list[SearchRun]] = defaultdict(list)
    for run in sorted(known, key=lambda run: run.key):
        found[run.key[:3]].append(run)
    return {
        key: next((run for run in found[key[:3]] if run.serves(key[3])), None) for key in wanted
    }


def _run(key: Key, data_dir: AnyPath | None) -> SearchRun:
    name, target, seed, budget = key
    return search_once(name, target, budget=budget, seed=seed, data_dir=data_dir)


def write_runs(path: AnyPath, runs: Iterable[SearchRun]) -> None:
    """Write runs as CSV, sorted by what was run."""
    write_results(path, runs, SearchRun)


def read_runs(path: AnyPath) -> list[SearchRun]:
    """Read runs from CSV.

    Raises:
        InvalidInputError: If the columns or a field are not as ``write_runs`` writes them, or a
            strategy or target is not known.
    """
    runs = read_results(path, SearchRun, noun="run")
    try:
        for strategy in {run.strategy for run in runs}:
            check_choice("strategy", strategy, known_strategies())
        for target in {run.target for run in runs}:
            check_target(target)
    except InvalidInputError as error:
        msg = f"{path}: {error}"
        raise InvalidInputError(msg) from None
    return runs

"""``surrobust benchmark``: predictors, and searches beside their peers, on the tables."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..leaderboards import Seeds, drawn, progress_of, seeds_of
from ..options import PATH, check_writable, common_options, data_dir_option, examples
from ..output import message, print_json, print_rows

if TYPE_CHECKING:
    from ...benchmark import Score
    from ...benchmark.searches import SearchRun

F = TypeVar("F", bound=Callable[..., Any])

SCORES = (
    "target",
    "n_train",
    "predictor",
    "n",
    "kendall_tau",
    "kendall_tau_sd",
    "ceiling",
    "share_of_ceiling",
    "r2",
    "precision_at_100",
)
"""What is printed of predictors; the files have more."""

REGRETS = (
    "target",
    "evaluations",
    "strategy",
    "n",
    "regret",
    "regret_sd",
    "found_best",
    "difference",
    "p_value",
)
"""What is printed of searches."""

EXAMPLE = (
    "benchmark predictors --predictor random_forest --target nas-robbench-201/cifar10/pgd-8 "
    "--n-train 50 --seeds 2 --out runs/leaderboard"
)


def comparison_options(*, seeds: str, counted: str, out: str) -> Callable[[F], F]:
    """Return what adds the options of a comparison: targets, seeds, folder, processes.

    Args:
        seeds: How many by default.
        counted: What a seed is of.
        out: The folder by default.
    """
    options = [
        click.option(
            "--target",
            "targets",
            metavar="T",
            multiple=True,
            help="Target; by default the eight compared.",
        ),
        click.option(
            "--seeds",
            type=Seeds(),
            metavar="N|A-B",
            default=seeds,
            show_default=True,
            help=f"{counted}, counted from --seed, or the first and the last.",
        ),
        click.option(
            "--out",
            type=PATH,
            default=Path(out),
            show_default=True,
            help="Folder to write; what it holds is not run again.",
        ),
        click.option(
            "--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes."
        ),
        data_dir_option,
        common_options(seed=True),
    ]

    def add(command: F) -> F:
        # click lists what is applied last first.
        for option in reversed(options):
            command = option(command)
        return command

    return add


@click.group(no_args_is_help=False, epilog=examples(EXAMPLE))
def benchmark() -> None:
    """Compare methods on the tables."""


@benchmark.command(epilog=examples(EXAMPLE))
@click.option(
    "--predictor", "names", metavar="P", multiple=True, help="Registered name; all by default."
)
@click.option(
    "--n-train",
    "sizes",
    metavar="N",
    type=int,
    multiple=True,
    help="Training cells; by default 20 to 5000.",
)
@comparison_options(seeds="5", counted="Splits of each: how many", out="leaderboard")
def predictors(
    names: tuple[str, ...],
    targets: tuple[str, ...],
    sizes: tuple[int, ...],
    seeds: tuple[int | None, int],
    out: Path,
    jobs: int,
    data_dir: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    """Score predictors on held-out cells, beside what a perfect one would reach.

    Repeat --predictor, --target and --n-train for several; the number of parameters alone is
    always among the predictors. Splits are counted from --seed. Writes DIR/scores.csv after every
    score, and at the end leaderboard.csv, leaderboard.md and learning-curves.png of all that
    scores.csv holds.
    """
    from ...benchmark import (
        BASELINE,
        TARGETS,
        TRAINING_SIZES,
        learning_curves,
        read_scores,
        standings,
        write_leaderboard,
    )
    from ...benchmark.panels import write_figure
    from ...predictors import PREDICTORS

    chosen = seeds_of(seeds, seed)
    check_writable(out)
    scores = out / "scores.csv"
    with progress_of("scores", _told_score) as report:
        learning_curves(
            list(dict.fromkeys([*(names or PREDICTORS), BASELINE])),
            targets=targets or TARGETS,
            training_sizes=sizes or TRAINING_SIZES,
            seeds=chosen,
            out=scores,
            jobs=jobs,
            data_dir=data_dir,
            progress=report,
        )
    found = standings(read_scores(scores), data_dir=data_dir)
    files = [
        scores,
        *write_leaderboard(out, found),
        *drawn(write_figure, out / "learning-curves.png", found),
    ]
    _tell(found, SCORES, files, as_json=as_json)


@benchmark.command(
    epilog=examples(
        "benchmark searches --strategy default --strategy optuna-tpe --budget 15 --seeds 0-1 "
        "--target nas-robbench-201/cifar10/pgd-8 --out runs/searches"
    )
)
@click.option(
    "--strategy",
    "names",
    metavar="S",
    multiple=True,
    help="Ours, or a peer: optuna-random, optuna-tpe, optuna-nsgaii, optuna-gp, smac. By default "
    "those of ours that values alone guide, and optuna-random, optuna-tpe, optuna-nsgaii.",
)
@click.option(
    "--budget",
    "budgets",
    metavar="N",
    type=click.IntRange(min=1),
    multiple=True,
    help="Evaluations after which to compare; by default 20, 50 and 100.",
)
@comparison_options(seeds="0-49", counted="How many", out="searches")
def searches(
    names: tuple[str, ...],
    targets: tuple[str, ...],
    budgets: tuple[int, ...],
    seeds: tuple[int | None, int],
    out: Path,
    jobs: int,
    data_dir: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    """Compare search strategies, and peers, by regret on the tables.

    Repeat --strategy, --target and --budget for several. Writes DIR/runs.csv after every run, from
    which a broken comparison continues, and at the end regret.csv, leaderboard.csv, leaderboard.md
    and regret-curves.png of all that runs.csv holds. SMAC needs the extra "peers".
    """
    from ...benchmark import TARGETS
    from ...benchmark.panels import write_regret_figure
    from ...benchmark.searches import (
        BUDGETS,
        STRATEGIES,
        read_runs,
        regrets,
        run_searches,
        search_standings,
        write_search_leaderboard,
    )

    chosen = seeds_of(seeds, seed)
    check_writable(out)
    compared = sorted(set(budgets or BUDGETS))
    path = out / "runs.csv"
    with progress_of("runs", _told_run) as report:
        run_searches(
            list(dict.fromkeys(names or STRATEGIES)),
            targets=list(dict.fromkeys(targets or TARGETS)),
            budgets=compared,
            seeds=chosen,
            out=path,
            jobs=jobs,
            data_dir=data_dir,
            progress=report,
        )
    runs = read_runs(path)
    reached = regrets(runs, compared, data_dir=data_dir)
    found = search_standings(reached)
    files = [path, *write_search_leaderboard(out, reached, found)]
    files += drawn(write_regret_figure, out / "regret-curves.png", runs, data_dir=data_dir)
    _tell(found, REGRETS, files, as_json=as_json)


def _tell(
    found: Sequence[Any], columns: Sequence[str], files: Sequence[Path], *, as_json: bool
) -> None:
    """Print a leaderboard and where it was written."""
    if as_json:
        entries = [asdict(standing) for standing in found]
        print_json({"leaderboard": entries, "files": [str(path) for path in files]})
        return
    print_rows(columns, [[getattr(standing, column) for column in columns] for standing in found])
    message(f"written: {', '.join(map(str, files))}")


def _told_score(score: "Score") -> str:
    return (
        f"{score.predictor} {score.target} N={score.n_train} seed={score.seed}: "
        f"tau {score.kendall_tau:.4f}"
    )


def _told_run(run: "SearchRun") -> str:
    last, index = run.climb.steps[-1]
    return (
        f"{run.strategy} {run.target} seed={run.seed} budget={run.budget}: "
        f"best is {index}, found at {last}, {run.seconds:.1f} s"
    )

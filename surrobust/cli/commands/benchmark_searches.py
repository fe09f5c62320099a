"""``surrobust benchmark searches``: strategies and peers beside each other on the tables."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..leaderboards import Seeds, drawn, progress_of, seeds_of
from ..options import PATH, check_writable, common_options, data_dir_option, examples
from ..output import message, print_json, print_rows

if TYPE_CHECKING:
    from ...benchmark.searches import SearchRun

COLUMNS = (
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
"""What is printed; the files have more."""


@click.command(
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
    "--target", "targets", metavar="T", multiple=True, help="Target; by default the eight compared."
)
@click.option(
    "--budget",
    "budgets",
    metavar="N",
    type=click.IntRange(min=1),
    multiple=True,
    help="Evaluations after which to compare; by default 20, 50 and 100.",
)
@click.option(
    "--seeds",
    type=Seeds(),
    metavar="N|A-B",
    default="0-49",
    show_default=True,
    help="How many, counted from --seed, or the first and the last.",
)
@click.option(
    "--out",
    type=PATH,
    default=Path("searches"),
    show_default=True,
    help="Folder to write; what it holds is not run again.",
)
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes.")
@data_dir_option
@common_options(seed=True)
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
    with progress_of("runs", _told) as report:
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
    if as_json:
        entries = [asdict(one) for one in found]
        print_json({"leaderboard": entries, "files": [str(path) for path in files]})
        return
    print_rows(COLUMNS, [[getattr(one, column) for column in COLUMNS] for one in found])
    message(f"written: {', '.join(map(str, files))}")


def _told(run: "SearchRun") -> str:
    last, index = run.climb.steps[-1]
    return (
        f"{run.strategy} {run.target} seed={run.seed} budget={run.budget}: "
        f"best is {index}, found at {last}, {run.seconds:.1f} s"
    )

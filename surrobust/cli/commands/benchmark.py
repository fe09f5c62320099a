"""``surrobust benchmark``: leaderboards on the tables."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..leaderboards import Seeds, drawn, progress_of, seeds_of
from ..options import PATH, check_writable, common_options, data_dir_option, examples
from ..output import message, print_json, print_rows
from .benchmark_searches import searches

if TYPE_CHECKING:
    from ...benchmark import Score

COLUMNS = (
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
"""What is printed; the files have more."""


EXAMPLE = (
    "benchmark predictors --predictor random_forest --target nas-robbench-201/cifar10/pgd-8 "
    "--n-train 50 --seeds 2 --out runs/leaderboard"
)


@click.group(no_args_is_help=False, epilog=examples(EXAMPLE))
def benchmark() -> None:
    """Compare methods on the tables."""


benchmark.add_command(searches)


@benchmark.command(epilog=examples(EXAMPLE))
@click.option(
    "--predictor", "names", metavar="P", multiple=True, help="Registered name; all by default."
)
@click.option(
    "--target", "targets", metavar="T", multiple=True, help="Target; by default the eight compared."
)
@click.option(
    "--n-train",
    "sizes",
    metavar="N",
    type=int,
    multiple=True,
    help="Training cells; by default 20 to 5000.",
)
@click.option(
    "--seeds",
    type=Seeds(),
    metavar="N|A-B",
    default="5",
    show_default=True,
    help="Splits of each: how many, counted from --seed, or the first and the last.",
)
@click.option(
    "--out",
    type=PATH,
    default=Path("leaderboard"),
    show_default=True,
    help="Folder to write; what it holds is not run again.",
)
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes.")
@data_dir_option
@common_options(seed=True)
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
    with progress_of("scores", _told) as report:
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
    if as_json:
        entries = [asdict(standing) for standing in found]
        print_json({"leaderboard": entries, "files": [str(path) for path in files]})
        return
    print_rows(COLUMNS, [[getattr(row, column) for column in COLUMNS] for row in found])
    message(f"written: {', '.join(map(str, files))}")


def _told(score: "Score") -> str:
    return (
        f"{score.predictor} {score.target} N={score.n_train} seed={score.seed}: "
        f"tau {score.kendall_tau:.4f}"
    )

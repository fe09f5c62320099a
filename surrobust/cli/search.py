"""``surrobust search``: find the best architectures within a budget of evaluations."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import InvalidInputError
from ..targets import DEFAULT_TARGET
from .options import common_options, data_dir_option, examples
from .output import message, print_json, print_rows, release

if TYPE_CHECKING:
    from ..searches import Evaluation, SearchResult

OBJECTIVES = ("auto", "table", "surrogate")


@click.command(
    epilog=examples(
        "search --budget 20 --objective surrogate",
        "search --target jung2023/cifar10/pgd-1 --out runs/pgd-1",
    )
)
@click.option("--target", default=DEFAULT_TARGET, show_default=True, help="What to search for.")
@click.option(
    "--budget", type=click.IntRange(min=1), default=50, show_default=True, help="Evaluations."
)
@click.option("--strategy", default="default", show_default=True, help="Name of a search strategy.")
@click.option(
    "--objective",
    type=click.Choice(OBJECTIVES),
    default="auto",
    show_default=True,
    help="Measured values, or a shipped predictor in their place; auto takes what is there.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for search.json.")
@click.option("--resume", is_flag=True, help="Continue what --out holds.")
@data_dir_option
@common_options(seed=True)
def search(
    target: str,
    budget: int,
    strategy: str,
    objective: str,
    out: Path | None,
    resume: bool,
    data_dir: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    """Search for the architectures with the best value of a target.

    Writes DIR/search.json after every evaluation and prints the finalists, best first.
    """
    from ..objectives import search as run

    if resume and out is None:
        msg = "--resume: expected --out DIR with the search to continue, got none"
        raise InvalidInputError(msg)
    with _progress(budget) as report:
        result = run(
            target=target,
            budget=budget,
            strategy=strategy,
            objective=objective,
            seed=seed,
            out=out,
            resume=resume,
            data_dir=data_dir,
            progress=report,
        )
    message(f"objective: {result.objective}")
    if as_json:
        print_json(result.to_document())
    else:
        _print_finalists(result)


@contextmanager
def _progress(budget: int) -> Iterator[Callable[["Evaluation"], None]]:
    """Yield what is called with each evaluation: a bar on a terminal, else about ten lines."""
    if not sys.stderr.isatty():
        yield lambda evaluation: _tell(evaluation, budget)
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("search", total=budget)

        def advance(evaluation: "Evaluation") -> None:
            release()
            bar.update(task, completed=evaluation.trial + 1)

        yield advance


def _tell(evaluation: "Evaluation", budget: int) -> None:
    release()
    trial = evaluation.trial + 1
    if trial % max(1, budget // 10) == 0:
        message(f"evaluation {trial} of {budget}: {evaluation.value:.4f}")


def _print_finalists(result: "SearchResult") -> None:
    click.echo(f"{result.target}, {len(result.evaluations)} evaluations ({result.objective})")
    rows = [
        (rank, e.value, e.architecture.index, e.architecture.genotype)
        for rank, e in enumerate(result.finalists, start=1)
    ]
    print_rows(("rank", "value", "index", "genotype"), rows)

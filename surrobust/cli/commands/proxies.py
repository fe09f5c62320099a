"""``surrobust proxies``: zero-cost scores, from one batch through untrained networks."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from ..inputs import read_architectures
from ..options import common_options, examples
from ..output import bars, message, print_json, print_rows, release

if TYPE_CHECKING:
    from pandas import DataFrame

DEFAULT_PROXIES = ("params", "synflow")


@click.command(
    epilog=examples(
        "proxies 2581 323133",
        "proxies cells.csv --proxy params --proxy nwot --batch-size 16 --cells-per-stage 1 --csv",
    )
)
@click.argument("given", metavar="FILE|ARCH...", nargs=-1, required=True)
@click.option(
    "--proxy",
    "proxies",
    multiple=True,
    metavar="NAME",
    help=f"What to score with, repeatable; otherwise {' and '.join(DEFAULT_PROXIES)}; all for all.",
)
@click.option(
    "--images",
    metavar="NAME|DIR",
    default="random",
    show_default=True,
    help="random, digits, cifar10, cifar100, or a folder with one folder of images per class.",
)
@click.option(
    "--batch-size", type=click.IntRange(min=2), default=64, show_default=True, help="Images."
)
@click.option(
    "--channels", type=click.IntRange(min=1), default=16, show_default=True, help="C, at the stem."
)
@click.option(
    "--cells-per-stage", type=click.IntRange(min=1), default=5, show_default=True, help="N."
)
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, ...")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV instead of a table.")
@common_options(seed=True)
def proxies(
    given: tuple[str, ...], proxies: tuple[str, ...], as_csv: bool, as_json: bool, **options: Any
) -> None:
    """Score architectures without training them.

    ARCH is a genotype, an index, a code of six digits or a JSON object; FILE is JSON, JSON lines
    or CSV with a column architecture, index or code; - is standard input. A score compares
    architectures under the same options; where there is none, it is nan (null in JSON).
    """
    from ...proxies import PROXIES, score_proxies

    cells = read_architectures(given)
    chosen = tuple(PROXIES) if "all" in proxies else proxies or DEFAULT_PROXIES
    with _progress() as report:
        table = score_proxies(cells, chosen, progress=report, **options)
    if as_json:
        print_json({**options, "scores": _entries(table)})
    elif as_csv:
        click.echo(_with_genotypes(table).to_csv(lineterminator="\n"), nl=False)
    else:
        shown = _with_genotypes(table).reset_index()
        header = [*table.columns, "index", "genotype"]
        print_rows(header, list(shown[header].itertuples(index=False, name=None)))


def _with_genotypes(table: "DataFrame") -> "DataFrame":
    from ...spaces import Architecture

    shown = table.copy()
    shown.insert(0, "genotype", [Architecture.parse(index).genotype for index in table.index])
    return shown


def _entries(table: "DataFrame") -> list[dict[str, Any]]:
    """Return what the JSON document lists, one entry per cell in the order given."""
    shown = _with_genotypes(table)
    return [
        {
            "architecture": row["genotype"],
            "index": int(str(index)),
            "values": {name: float(row[name]) for name in table.columns},
        }
        for index, row in shown.iterrows()
    ]


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Yield what is called with cells done and in all: a bar on a terminal, else ten lines."""
    if not sys.stderr.isatty():
        yield _tell_tenths
        return
    from rich.progress import MofNCompleteColumn, Progress

    with bars(*Progress.get_default_columns(), MofNCompleteColumn(), transient=True) as bar:
        task = bar.add_task("cells")

        def advance(done: int, total: int) -> None:
            release()
            bar.update(task, completed=done, total=total)

        yield advance


def _tell_tenths(done: int, total: int) -> None:
    if done * 10 // total > (done - 1) * 10 // total:
        message(f"cell {done} of {total}")

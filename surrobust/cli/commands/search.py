"""``surrobust search``: find the best architectures within a budget of evaluations."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from ...errors import InvalidInputError
from ...targets import DEFAULT_TARGET
from ..options import PATH, common_options, data_dir_option, examples
from ..output import message, print_json, print_rows
from ..progress import search_progress
from ..search_options import (
    gradient_options,
    search_own_cells,
    take_gradient,
    take_training,
    training_options,
)

if TYPE_CHECKING:
    from ...searches import SearchResult

OBJECTIVES = ("auto", "table", "surrogate", "train")


@click.command(
    epilog=examples(
        "search --budget 20 --objective surrogate",
        "search --target jung2023/cifar10/pgd-1 --out runs/pgd-1",
        "search --strategy arnas --images digits --preset smoke --budget 2 --out runs/arnas",
        "search --objective train --recipe smoke --images digits --epochs 1 --budget 2",
        "search --out runs/pgd-1 --resume --budget 80 --workers 4",
        "search --target nas-robbench-201/cifar10/pgd-8 --target params --strategy nsga2",
        "search --budget 20 --max raspi4-latency=10 --max params=600000",
    )
)
@click.option(
    "--target",
    multiple=True,
    default=(DEFAULT_TARGET,),
    show_default=True,
    help="What to search for. Given several times it is the front of several targets; after the "
    "first one, params, flops and metrics alone (raspi4-latency, clean) are understood too.",
)
@click.option(
    "--max",
    "maximum",
    multiple=True,
    metavar="NAME=NUMBER",
    help="The most that something may be, named like a target: raspi4-latency=10 (in ms; energies "
    "in mJ), params=600000, clean=0.8.",
)
@click.option(
    "--min", "minimum", multiple=True, metavar="NAME=NUMBER", help="The least that it may be."
)
@click.option(
    "--budget",
    type=click.IntRange(min=0),
    default=50,
    show_default=True,
    help="Evaluations; 0 with zero_cost alone, which then ranks by score.",
)
@click.option("--strategy", default="default", show_default=True, help="Name of a search strategy.")
@click.option(
    "--warm-start",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="Evaluate the N best by zero-cost scores first, whatever the strategy.",
)
@click.option(
    "--prior",
    metavar="auto|none|NAME|FOLDER",
    default="auto",
    show_default=True,
    help="What is known of other targets: a shipped predictor or a folder of one; auto takes the "
    "shipped one of the target's benchmark where values are measured, without its column of the "
    "target itself.",
)
@click.option(
    "--objective",
    type=click.Choice(OBJECTIVES),
    default="auto",
    show_default=True,
    help="Measured values, or a shipped predictor in their place; auto takes what is there. train "
    "trains and attacks each cell and takes the target's metric.",
)
@click.option("--out", type=PATH, help="Folder for search.json.")
@click.option(
    "--resume", is_flag=True, help="Continue what --out holds; its options need not be repeated."
)
@click.option(
    "--storage",
    metavar="URL",
    help="Journal file or database (postgresql://...) where workers meet, those of the same "
    "command on other machines too; several on this machine alone need none.",
)
@click.option("--study", help="Name of the search in the storage; else it follows from options.")
@click.option(
    "--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes here."
)
@click.option(
    "--heartbeat",
    type=click.FloatRange(min=0, min_open=True),
    default=15.0,
    show_default=True,
    help="Seconds between a worker's signs of life; after four without one others take over.",
)
@click.option(
    "--on-failure",
    type=click.Choice(("record", "raise")),
    default="record",
    show_default=True,
    help="What a training that diverges does: counts as failed and as the worst, or ends the "
    "search.",
)
@gradient_options
@training_options
@data_dir_option
@common_options(seed=True)
@click.pass_context
def search(ctx: click.Context, as_json: bool, **options: Any) -> None:
    """Search for the architectures with the best value of a target, or the front of several.

    Writes DIR/search.json after every evaluation, DIR/search.svg at the end (the incumbent beside
    the best in the table, or the front), and prints the finalists, best first. Counts and figures
    of devices are known beforehand: what breaks a bound on them is never proposed.

    With --preset dsrna-paper or arnas-paper, dsrna and arnas search their papers' own cells, which
    no table has: they print a genotype and write DIR/gradient.
    """
    from ...sessions import search as run

    if options["resume"] and options["out"] is None and options["storage"] is None:
        msg = "--resume: expected --out DIR with the search to continue, got none"
        raise InvalidInputError(msg)
    if options["budget"] == 0 and options["strategy"] != "zero_cost" and not options["resume"]:
        msg = f"--budget: expected at least 1 with strategy {options['strategy']}, got 0"
        raise InvalidInputError(msg)
    # What was not typed is for the search that is resumed to say, whatever the help shows.
    for name in ("target", "budget", "strategy", "objective", "seed", "warm_start", "prior"):
        if ctx.get_parameter_source(name) is ParameterSource.DEFAULT:
            options[name] = None
    options["training"] = take_training(options)
    gradient = options["gradient"] = take_gradient(options, options["strategy"])
    if gradient is not None and gradient.settings().space != "nas-bench-201":
        search_own_cells(gradient, options, as_json=as_json)
        return
    targets = options.pop("target")
    options["target"] = targets[0] if targets and len(targets) == 1 else targets
    options["maximum"] = _limits("max", options["maximum"])
    options["minimum"] = _limits("min", options["minimum"])
    with search_progress() as report:
        result = run(**options, progress=report)
    message(f"objective: {result.objective}")
    if result.prior != "none":
        message(f"prior: other targets of {result.prior}")
    if options["out"] is not None:
        from ...report import write_course

        write_course(options["out"], result, data_dir=options["data_dir"])
    if as_json:
        print_json(result.to_document())
    else:
        _print_finalists(result)
    if result.all_failed:
        ctx.exit(1)


def _limits(name: str, given: Sequence[str]) -> dict[str, float] | None:
    """Read bounds of the form ``NAME=NUMBER``; None if there are none."""
    limits: dict[str, float] = {}
    for text in given:
        quantity, equals, number = text.partition("=")
        try:
            limit = float(number)
        except ValueError:
            limit = math.nan
        if not equals or not math.isfinite(limit):
            msg = f"--{name}: expected NAME=NUMBER, such as raspi4-latency=10, got {text}"
            raise InvalidInputError(msg)
        if quantity in limits:
            msg = f"--{name}: expected {quantity} once, got it twice"
            raise InvalidInputError(msg)
        limits[quantity] = limit
    return limits or None


def _print_finalists(result: "SearchResult") -> None:
    names = result.targets or (str(result.target),)
    done = f"{len(result.evaluations)} evaluations ({result.objective})"
    click.echo(f"{' x '.join(names)}, {done}")
    for bound in result.bounds:
        click.echo(f"with {bound}")
    if result.all_failed:
        click.echo("all of them failed")
        return
    if result.evaluations and not result.finalists:
        click.echo("none of them keeps the bounds")
        return
    columns = dict.fromkeys([*names, *(bound.quantity for bound in result.bounds)])
    header = [name.rpartition("/")[2] for name in columns] if len(columns) > 1 else ["value"]
    rows = []
    for rank, e in enumerate(result.finalists, start=1):
        shown = dict(zip(names, e.values or (e.value,), strict=True))
        shown |= {b.quantity: n for b, n in zip(result.bounds, e.bounded, strict=True)}
        rows.append((rank, *shown.values(), e.architecture.index, e.architecture.genotype))
    print_rows(("rank", *header, "index", "genotype"), rows)

"""``surrobust verify``: train architectures, attack them, record what they are worth."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..._files import read_json
from ..._places import is_file
from ...errors import InvalidInputError
from ..inputs import read_each
from ..options import PATH, check_appendable, common_options, examples
from ..output import message, print_json, print_rows
from ..promised import promises

if TYPE_CHECKING:
    from ...spaces import AnyArchitecture
    from ...training import Event
    from ...verification import Record

SEARCH_FILE = "search.json"
GRADIENT_FILE = Path("gradient", "gradient.json")


@click.command(
    epilog=examples(
        "verify 2581 --recipe smoke --images digits",
        "verify 2581 1000 --recipe smoke --images digits --epochs 1 --attack pgd-4 --out my.jsonl",
    )
)
@click.argument("given", metavar="ARCH...|DIR/search.json", nargs=-1, required=True)
@click.option("--top", type=click.IntRange(min=1), metavar="K", help="Only the first K of them.")
@click.option(
    "--recipe",
    metavar="NAME",
    help="How to train; otherwise as the networks of the benchmark that was searched: nasbench201 "
    "for jung2023, else robbench201. smoke takes seconds.",
)
@click.option(
    "--images",
    metavar="NAME|DIR",
    default="cifar10",
    show_default=True,
    help="digits, cifar10, cifar100, imagenet16-120, or a folder with train/ and test/, in each of "
    "them one folder of images per class.",
)
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, ...")
@click.option(
    "--attack",
    "attacks",
    multiple=True,
    metavar="NAME-EPS",
    help="What to measure beside clean, Linf in 1/255, repeatable, as the recipe's benchmark did; "
    "robbench, jung2023: what that benchmark measured; corruptions: the mean over fifteen in five "
    "severities. Otherwise what the recipe says.",
)
@click.option(
    "--out",
    type=PATH,
    metavar="FILE",
    help="File to which a record is appended per cell; what is in it already is not run again.",
)
@click.option("--keep", is_flag=True, help="Keep the trained weights in FILE.checkpoints.")
@click.option("--epochs", type=click.IntRange(min=1), help="Fidelity; otherwise the recipe's.")
@click.option("--channels", type=click.IntRange(min=1), help="C; otherwise the recipe's.")
@click.option("--cells", type=click.IntRange(min=1), help="N; otherwise the recipe's.")
@click.option("--n-images", type=click.IntRange(min=2), help="Images to train on; otherwise all.")
@click.option("--n-test", type=click.IntRange(min=1), help="Images to test on; otherwise all.")
@click.option("--image-size", type=click.IntRange(min=4), help="Side to bring images to.")
@click.option(
    "--at-once",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Networks trained side by side, where one does not fill the GPU.",
)
@click.option(
    "--precision",
    type=click.Choice(["fp32", "bf16"]),
    help="What a GPU computes with while training; otherwise what the recipe says. A CPU: fp32.",
)
@click.option(
    "--captured/--no-captured",
    default=True,
    show_default=True,
    help="Replay training and attack steps as CUDA graphs, where that works.",
)
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Of each training from now on: after 50 steps it stops if it would take longer.",
)
@common_options(seed=True)
def verify(
    given: tuple[str, ...],
    top: int | None,
    out: Path | None,
    keep: bool,
    at_once: int,
    attacks: tuple[str, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Train architectures adversarially, attack them, and print how accurate they are.

    ARCH is a genotype, an index, a code of six digits or a JSON object; of a search, its finalists
    are taken, best first. Genotypes of DARTS-type networks, Genotype(...) or the folder of the
    gradient search that found one, are networks of --cells cells in all. An interrupted run with
    --out goes on where it stopped. With --json, the document has the list of records.
    """
    from ...networks import find_device
    from ...verification import make_plan, run_several

    if keep and out is None:
        msg = "--keep: expected --out FILE, beside which the weights are kept, got none"
        raise InvalidInputError(msg)
    if out is not None:
        check_appendable(out)
    cells = _read(given)[:top]
    options["recipe"] = options["recipe"] or _choose_recipe(given)
    plan = make_plan(attacks=attacks or None, **options)
    if options["precision"] == "bf16" and find_device(plan.device).type == "cpu":
        message("precision: bf16 is for GPUs, computed and recorded is fp32")
    plan.check(cells)
    message(f"{len(cells)} network{'s' * (len(cells) > 1)} on {plan.describe()}")
    records, failures = [], []
    for found in run_several(cells, plan, at_once=at_once, out=out, keep=keep, report=_tell):
        if isinstance(found, FloatingPointError):  # the others may do better
            failures.append(found)
            message(f"surrobust: {found}")
        else:
            records.append(found)
    if as_json:
        print_json({"records": records})
    else:
        _print(records)
    if failures:
        raise SystemExit(1)


def _read(given: Sequence[str]) -> list["AnyArchitecture"]:
    """Read architectures of either kind, each once; a folder stands for what a search left there.

    That is its finalists, or else the genotype that a search by gradients found.
    """
    from ...spaces import parse_any

    return list(dict.fromkeys(read_each(tuple(map(_outcome, given)), parse_any)))


def _outcome(argument: str) -> str:
    """Return the file of a search in the place of its folder."""
    files = (str(Path(argument) / name) for name in (SEARCH_FILE, GRADIENT_FILE))
    return next(filter(is_file, files), argument)


def _choose_recipe(given: Sequence[str]) -> str:
    """Return the recipe of the benchmark that was searched, where one was; this is told.

    Raises:
        InvalidInputError: If searches of benchmarks with recipes of their own are mixed.
    """
    from ...training import BENCHMARK_RECIPES, recipe_of

    searched = {_benchmark(place) for place in map(_outcome, given)}
    recipes = {name: recipe_of(name) for name in sorted(searched & set(BENCHMARK_RECIPES))}
    if len(recipes) > 1:
        msg = f"--recipe: expected one for searches of {', '.join(recipes)}, got none"
        raise InvalidInputError(msg)
    for benchmark, recipe in recipes.items():
        message(f"recipe {recipe}: by which the networks of {benchmark} were trained")
        return recipe
    return recipe_of("")


def _benchmark(place: str) -> str:
    """Return the benchmark of a search's target; nothing if it has none, or it is no search."""
    if Path(place).name != SEARCH_FILE or not is_file(place):
        return ""
    document = read_json(Path(place))
    target = document.get("target") if isinstance(document, dict) else None
    return target.split("/")[0] if isinstance(target, str) else ""


def _tell(cell: "AnyArchitecture", end: "Event") -> None:
    from ...training import Projection

    if isinstance(end, Projection):
        step = f"{1e3 * end.step:.1f} ms a step"
        message(f"cell {cell.index}: training takes about {end.seconds:.0f} s, {step}")
        return
    left = (end.epochs - end.epoch) * end.seconds / end.epoch
    message(
        f"cell {cell.index}: epoch {end.epoch} of {end.epochs}, loss {end.loss:.4f}, "
        f"{left:.0f} s left"
    )


def _print(records: Sequence["Record"]) -> None:
    if not records:
        return
    metrics = list(dict.fromkeys(name for record in records for name in record["accuracy"]))
    from ...measuring.corrupted import DRAWN, MADE, OWN
    from ...verification.evaluation import CORRUPTED

    beside: dict[str, Sequence[object]] = {**promises(records, metrics)}
    beside |= _beside_best(records, metrics[-1])
    for source in sorted({r[CORRUPTED]["source"] for r in records if CORRUPTED in r}):
        told = {
            MADE: "made as the published arrays were, not them",
            DRAWN: "made as the published arrays were but for frost, whose ice is drawn: its "
            "photographs are not here (surrobust data fetch frost)",
            OWN: "our own of an earlier version",
        }
        message(f"{CORRUPTED}: {told.get(source, source)}")
    header = ("index", *metrics, "95 % +-", *beside, "seconds", "genotype")
    rows = [
        (
            record["index"],
            *(record["accuracy"].get(name, float("nan")) for name in metrics),
            # One column for all metrics: the widest interval.
            max((high - low) / 2 for low, high in record["intervals"].values()),
            *(column[number] for column in beside.values()),
            float(record["train"]["seconds"]),
            record["architecture"],
        )
        for number, record in enumerate(records)
    ]
    print_rows(header, rows)


def _beside_best(records: Sequence["Record"], metric: str) -> dict[str, Sequence[object]]:
    """Return p-values, image by image, that a cell is as good as the best; none for one cell."""
    from ...verification import compare_records

    if len(records) < 2 or not all(metric in r.get("outcomes", {}) for r in records):
        return {}
    best = max(records, key=lambda record: record["accuracy"][metric])
    values: list[object] = [
        "best" if record is best else f"{compare_records(best, record, metric).p_value:.3f}"
        for record in records
    ]
    return {f"p ({metric})": values}

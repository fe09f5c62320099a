"""``surrobust predict``: values and intervals from a fitted predictor, without any data."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from ..._checks import check_coverage
from ...spaces import Architecture
from ..inputs import read_architectures
from ..options import common_options, examples
from ..output import print_json, print_rows

if TYPE_CHECKING:
    from ...predictors.shipped import Selected

PredictedValues = dict[str, dict[str, float]]


@click.command(
    epilog=examples(
        "predict 2581",
        "predict cells.csv 323133 --target jung2023/cifar10/pgd-1 --coverage 0.8 --json",
    )
)
@click.argument("given", metavar="FILE|ARCH...", nargs=-1, required=True)
@click.option(
    "--target",
    "targets",
    multiple=True,
    help="What to predict, repeatable; otherwise all it knows.",
)
@click.option("--predictor", metavar="NAME|FOLDER", help="A shipped predictor, or one of your own.")
@click.option("--coverage", type=float, default=0.9, show_default=True, help="Of the interval.")
@common_options(seed=False)
def predict(
    given: tuple[str, ...],
    targets: tuple[str, ...],
    predictor: str | None,
    coverage: float,
    as_json: bool,
) -> None:
    """Predict the value and an interval of each target.

    ARCH is a genotype, an index, a code of six digits or a JSON object; FILE is JSON, JSON lines
    or CSV with a column architecture, index or code, whatever this program wrote too; - is
    standard input.
    """
    from ...predictors.shipped import select

    check_coverage(coverage)
    cells = read_architectures(given)
    selected = select(predictor, targets)
    names = ", ".join(one.name for one in selected)
    entries = _entries(cells, selected, coverage)
    if as_json:
        print_json({"predictor": names, "coverage": coverage, "predictions": entries})
    else:
        click.echo(f"predictor {names}, intervals of coverage {coverage:g}")
        _print_entries(entries)


def _entries(
    cells: list[Architecture], selected: Sequence["Selected"], coverage: float
) -> list[dict[str, Any]]:
    """Return what the JSON document lists, one entry per cell in the order given."""
    values: list[PredictedValues] = [{} for _ in cells]
    trained = [True] * len(cells)
    for one in selected:
        trained = [
            a and b for a, b in zip(trained, map(one.predictor.trained_on, cells), strict=True)
        ]
        mean = one.predictor.predict(cells).reshape(len(cells), -1)
        lower, upper = (
            bound.reshape(mean.shape)
            for bound in one.predictor.predict_interval(cells, coverage=coverage)
        )
        for column, target in one.columns:
            for row, of_cell in enumerate(values):
                of_cell[target] = {
                    "mean": float(mean[row, column]),
                    "lower": float(lower[row, column]),
                    "upper": float(upper[row, column]),
                }
    return [
        {
            "architecture": cell.genotype,
            "index": cell.index,
            "in_training_set": known,
            "values": of_cell,
        }
        for cell, known, of_cell in zip(cells, trained, values, strict=True)
    ]


def _print_entries(entries: list[dict[str, Any]]) -> None:
    """Print one table over cells where there is one target, else one table per cell."""
    targets = list(entries[0]["values"])
    if len(targets) == 1:
        click.echo(targets[0])
        rows = [
            (*entry["values"][targets[0]].values(), entry["index"], entry["architecture"])
            for entry in entries
        ]
        print_rows(("value", "lower", "upper", "index", "genotype"), rows)
        return
    for entry in entries:
        click.echo(f"\n{entry['index']}  {entry['architecture']}{_note(entry)}")
        rows = [(target, *value.values()) for target, value in entry["values"].items()]
        print_rows(("target", "value", "lower", "upper"), rows)


def _note(entry: dict[str, Any]) -> str:
    return "  (trained on)" if entry["in_training_set"] else ""

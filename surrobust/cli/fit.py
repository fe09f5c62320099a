"""``surrobust fit``: train a predictor on a table or on the user's own values."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from .._checks import check_integer
from .._files import sha256
from ..errors import InvalidInputError
from ..metrics import interval_coverage, kendall_tau, r2_score, rmse, spearman_rho
from ..spaces import Architecture
from ..targets import Target, targets_of
from ..typing import FloatArray, IntArray
from .columns import read_columns
from .folders import check_writable
from .options import common_options, data_dir_option, examples
from .output import message, print_json, print_rows
from .selection import unknown_target

if TYPE_CHECKING:
    from ..predictors import AbstractPredictor


@dataclass(frozen=True, slots=True)
class Values:
    """What a predictor is fitted to.

    Args:
        cells: The architectures.
        y: Values of shape ``(n, m)``.
        targets: Names of the m columns.
        source: What the card says about where the values are from.
        citation: Of the table, None for the user's own values.
    """

    cells: list[Architecture]
    y: FloatArray
    targets: tuple[str, ...]
    source: dict[str, Any]
    citation: str | None = None


@click.command(
    epilog=examples(
        "fit --target nas-robbench-201/cifar10/pgd-8 --n-train 200 --out my-model",
        "fit --data values.csv --predictor xgboost --out my-model",
        "fit --target jung2023/cifar10/pgd-1 --n-train 100 --columns clean --out my-model",
    )
)
@click.option("--target", "targets", multiple=True, help="Column of a table; repeatable.")
@click.option(
    "--data",
    "csv",
    type=click.Path(path_type=Path),
    help="CSV with a header architecture,value instead.",
)
@click.option("--predictor", default="default", show_default=True, help="Kind of predictor.")
@click.option(
    "--columns",
    "sources",
    metavar="proxies|clean|FILE",
    multiple=True,
    help="Numbers known of cells beforehand, repeatable: the published zero-cost proxies, the "
    "clean accuracy of the target's benchmark and images, or a CSV with a column architecture "
    "and columns of numbers, empty where unknown.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@click.option(
    "--n-train", type=int, help="Cells to train on, drawn by --seed; the rest judges the predictor."
)
@data_dir_option
@common_options(seed=True)
def fit(
    targets: tuple[str, ...],
    csv: Path | None,
    predictor: str,
    sources: tuple[str, ...],
    out: Path,
    n_train: int | None,
    data_dir: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    """Train a predictor, write it as a folder with its card.

    With --n-train, the card has the figures on the cells held out; without, those of a
    cross-validation by function class.
    """
    from ..predictors import make_predictor
    from ..predictors.card import read_card
    from ..predictors.storage import check_replaceable

    if bool(targets) == (csv is not None):
        msg = f"--target, --data: expected one of the two, got {'both' if csv else 'none'}"
        raise InvalidInputError(msg)
    check_writable(out)
    check_replaceable(out)
    values = _from_csv(csv) if csv is not None else _from_table(targets, data_dir)
    columns, told = read_columns(sources, targets, data_dir)
    options = {} if columns is None else {"columns": columns}
    model = make_predictor(predictor, seed=seed, **options)
    n = len(values.cells)
    train, test = _split(n, n_train, seed)
    message(f"fitting {predictor} to {len(train)} of {n} cells")
    model.fit([values.cells[i] for i in train], values.y[train], targets=values.targets)
    source = {**values.source, "columns": told} if told else values.source
    card: dict[str, Any] = {"trained_on": source, "citation": values.citation}
    if len(test) > 1:
        card["split"] = {"seed": seed, "n_train": len(train), "n_test": len(test)}
        card["metrics"] = _judge(model, values, test)
    model.save(out, **card)
    metrics = read_card(out).metrics
    document = {
        "predictor": predictor,
        "targets": list(values.targets),
        "out": str(out),
        "n_train": len(train),
        "n_test": len(test),
        "metrics": metrics,
    }
    if as_json:
        print_json(document)
    else:
        _print(document)


def _from_csv(path: Path) -> Values:
    from ..tables import read_value_columns

    cells, y, names = read_value_columns(path)
    source = {"file": path.name, "sha256": sha256(path)}
    return Values(cells, y, names, source)


def _from_table(targets: tuple[str, ...], data_dir: Path | None) -> Values:
    from ..tables import load_table

    benchmarks = {Target.parse(target).benchmark for target in targets}
    if len(benchmarks) > 1:
        msg = f"--target: expected targets of one benchmark, got {', '.join(sorted(benchmarks))}"
        raise InvalidInputError(msg)
    benchmark = benchmarks.pop()
    for target in targets:
        if target not in targets_of(benchmark):
            raise unknown_target(target, targets_of(benchmark))
    table = load_table(benchmark, data_dir=data_dir)
    y = np.column_stack([table.values(target) for target in targets])
    there = np.flatnonzero(np.isfinite(y).all(axis=1))
    cells = [table.architectures[i] for i in there]
    source = {"table": table.name, "sha256": dict(table.checksums)}
    return Values(cells, y[there], targets, source, table.citation)


def _split(n: int, n_train: int | None, seed: int) -> tuple[IntArray, IntArray]:
    """Return the positions to train on and the others, shuffled by the seed."""
    if n < 2:
        msg = f"--data: expected at least 2 architectures with values, got {n}"
        raise InvalidInputError(msg)
    n_train = n if n_train is None else check_integer("--n-train", n_train, minimum=2)
    if n_train > n:
        msg = f"--n-train: expected at most {n}, the cells that have values, got {n_train}"
        raise InvalidInputError(msg)
    order = np.random.default_rng(seed).permutation(n)
    return order[:n_train], order[n_train:]


def _judge(
    model: "AbstractPredictor", values: Values, test: IntArray
) -> dict[str, dict[str, float]]:
    """Return the figures on the held-out cells by target."""
    cells = [values.cells[i] for i in test]
    predicted = model.predict(cells).reshape(len(test), -1)
    lower, upper = (b.reshape(predicted.shape) for b in model.predict_interval(cells, coverage=0.9))
    figures = {}
    for column, target in enumerate(values.targets):
        true, guess = values.y[test, column], predicted[:, column]
        figures[target] = {
            "n": len(test),
            "kendall_tau": kendall_tau(true, guess),
            "spearman_rho": spearman_rho(true, guess),
            "r2": r2_score(true, guess),
            "rmse": rmse(true, guess),
            "coverage_90": interval_coverage(true, lower[:, column], upper[:, column]),
        }
    return figures


def _print(document: dict[str, Any]) -> None:
    click.echo(
        f"{document['predictor']} trained on {document['n_train']} cells, "
        f"written to {document['out']}"
    )
    if document["metrics"]:
        names = list(next(iter(document["metrics"].values())))
        rows = [(target, *figures.values()) for target, figures in document["metrics"].items()]
        print_rows(("held out", *names), rows)

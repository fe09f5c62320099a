"""``surrobust fit``: train a predictor on a table or on the user's own values."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from ..._checks import check_integer
from ...errors import InvalidInputError
from ...metrics import kendall_tau, r2_score, rmse, spearman_rho
from ...spaces import Architecture
from ...targets import Target, check_target
from ...typing import FloatArray, IntArray
from ..columns import read_columns
from ..inputs import describe_source, read_source
from ..options import PATH, check_writable, common_options, data_dir_option, examples
from ..output import message, print_json, print_rows

if TYPE_CHECKING:
    from ...predictors import AbstractPredictor


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


_ONE = "isomorphic ones are one"


@dataclass(frozen=True, slots=True)
class Split:
    """Which rows a predictor is fitted to, and which judge it.

    Args:
        groups: What counts as one cell, ``(n,)``.
        indices: The architecture of each row, ``(n,)``.
        train: Positions of rows.
        test: Likewise, all others; no cell has rows in both.
    """

    groups: IntArray
    indices: IntArray
    train: IntArray
    test: IntArray

    def n_cells(self, rows: IntArray) -> int:
        """Return how many cells rows are of."""
        return len(np.unique(self.groups[rows]))

    @property
    def sizes(self) -> dict[str, int]:
        """What the card says: rows of both sides, and cells where those are fewer."""
        rows = {"n_train": len(self.train), "n_test": len(self.test)}
        cells = {f"{side}_cells": self.n_cells(getattr(self, side[2:])) for side in rows}
        return rows if sum(rows.values()) == sum(cells.values()) else {**rows, **cells}

    @property
    def told(self) -> str:
        """What is fitted to, for the reader, and what repeated rows do."""
        n, sides = len(self.groups), (self.train, self.test)
        cells = [self.n_cells(side) for side in sides]
        if n == sum(cells):
            return f"{len(self.train)} of {n} cells"
        most = int(np.unique(self.groups, return_counts=True)[1].max())
        average = f"{n / sum(cells):.2g} on average, at most {most}"
        held_out = f", {len(self.test)} of {cells[1]} held out" if len(self.test) else ""
        parts = [
            f"{len(self.train)} rows of {cells[0]} cells{held_out}",
            f"rows of one cell ({_ONE}) count as measurements of it: {average}",
        ]
        if len(np.unique(self.indices[self.test])) < len(self.test):
            parts.append("held-out figures are of means over the rows of each architecture")
        return "; ".join(parts)


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
    metavar="FILE",
    help="CSV with a header architecture,value instead, or - for standard input. The column may be "
    "index, code, genotype too; every other column is a target.",
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
@click.option("--out", type=PATH, required=True, help="Folder to write.")
@click.option(
    "--n-train",
    type=int,
    help="Rows to train on, drawn by --seed; the rest judges the predictor. Rows of one cell, "
    "isomorphic ones included, stay together, so that there may be a few more.",
)
@data_dir_option
@common_options(seed=True)
def fit(
    targets: tuple[str, ...],
    csv: str | None,
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
    cross-validation by function class. Several rows of one cell are measurements of it: they
    count as one cell, and what is held out is judged by their mean.
    """
    from ...predictors import make_predictor
    from ...predictors.saving.card import load_card
    from ...predictors.saving.folder import check_replaceable

    if bool(targets) == (csv is not None):
        msg = f"--target, --data: expected one of the two, got {'both' if csv else 'none'}"
        raise InvalidInputError(msg)
    if [csv, *sources].count("-") > 1:
        msg = "-: expected standard input once, got it twice"
        raise InvalidInputError(msg)
    check_writable(out)
    check_replaceable(out)
    values = _from_csv(csv) if csv is not None else _from_table(targets, data_dir)
    columns, told = read_columns(sources, targets, data_dir)
    options = {} if columns is None else {"columns": columns}
    model = make_predictor(predictor, seed=seed, **options)
    split = _split(values.cells, n_train, seed)
    train, test = split.train, split.test
    message(f"fitting {predictor} to {split.told}")
    model.fit([values.cells[i] for i in train], values.y[train], targets=values.targets)
    source = {**values.source, "columns": told} if told else values.source
    card: dict[str, Any] = {"trained_on": source, "citation": values.citation}
    if len({values.cells[i] for i in test}) > 1:
        card["split"] = {"seed": seed, **split.sizes}
        card["metrics"] = _judge(model, values, test)
    model.save(out, **card)
    metrics = load_card(out).metrics
    document = {
        "predictor": predictor,
        "targets": list(values.targets),
        "out": str(out),
        "n_train": len(train),
        "n_test": len(test),
        "n_train_cells": split.n_cells(train),
        "n_test_cells": split.n_cells(test),
        "metrics": metrics,
    }
    if as_json:
        print_json(document)
    else:
        _print(document)


def _from_csv(source: str) -> Values:
    from ...tables import parse_value_columns

    content, name = read_source(source)
    cells, y, names = parse_value_columns(content, name=name)
    return Values(cells, y, names, describe_source(source, content))


def _from_table(targets: tuple[str, ...], data_dir: Path | None) -> Values:
    from ...tables import load_table

    benchmarks = {Target.parse(target).benchmark for target in targets}
    if len(benchmarks) > 1:
        msg = f"--target: expected targets of one benchmark, got {', '.join(sorted(benchmarks))}"
        raise InvalidInputError(msg)
    benchmark = benchmarks.pop()
    for target in targets:
        check_target(target)
    table = load_table(benchmark, data_dir=data_dir)
    y = np.column_stack([table.values(target) for target in targets])
    there = np.flatnonzero(np.isfinite(y).all(axis=1))
    cells = [table.architectures[i] for i in there]
    source = {"table": table.name, "sha256": dict(table.checksums)}
    return Values(cells, y[there], targets, source, table.citation)


def _split(cells: list[Architecture], n_train: int | None, seed: int) -> Split:
    """Return the positions to train on and the others, shuffled by the seed, cells whole.

    Raises:
        InvalidInputError: If there are too few rows, too few cells to train on, or none besides.
    """
    from ...predictors.repeats import cell_groups, split_groups

    n = len(cells)
    if n < 2:
        msg = f"--data: expected at least 2 architectures with values, got {n}"
        raise InvalidInputError(msg)
    asked = n if n_train is None else check_integer("--n-train", n_train, minimum=2)
    if asked > n:
        msg = f"--n-train: expected at most {n}, the rows that have values, got {asked}"
        raise InvalidInputError(msg)
    groups = cell_groups(cells)
    indices = np.array([cell.index for cell in cells], dtype=np.int64)
    split = Split(groups, indices, *split_groups(groups, n_train=asked, seed=seed))
    of_train = split.n_cells(split.train)
    rows = f"{len(split.train)} rows of {of_train} ({_ONE})"
    if of_train < 2:
        option = "--data" if n_train is None else "--n-train"
        msg = f"{option}: expected at least 2 distinct cells to train on, got {rows}"
        raise InvalidInputError(msg)
    if asked < n and not len(split.test):
        msg = f"--n-train: expected to leave a cell to judge by, got {asked}: that takes all {rows}"
        raise InvalidInputError(msg)
    return split


def _judge(
    model: "AbstractPredictor", values: Values, test: IntArray
) -> dict[str, dict[str, float]]:
    """Return the figures on the held-out cells by target.

    Each architecture is judged once, by the mean of its measurements. Intervals are judged by
    single ones, those of one cell, isomorphic ones included, together as much as that of another.
    """
    from ...predictors.repeats import cell_groups, coverage_of_each, mean_of_each

    cells = [values.cells[i] for i in test]
    groups = cell_groups(cells)
    indices = np.array([cell.index for cell in cells], dtype=np.int64)
    predicted = model.predict(cells).reshape(len(test), -1)
    lower, upper = (b.reshape(predicted.shape) for b in model.predict_interval(cells, coverage=0.9))
    figures = {}
    for column, target in enumerate(values.targets):
        single = values.y[test, column]
        true, guess = (mean_of_each(indices, array) for array in (single, predicted[:, column]))
        figures[target] = {
            "n": len(true),
            "kendall_tau": kendall_tau(true, guess),
            "spearman_rho": spearman_rho(true, guess),
            "r2": r2_score(true, guess),
            "rmse": rmse(true, guess),
            "coverage_90": coverage_of_each(groups, single, lower[:, column], upper[:, column]),
        }
    return figures


def _print(document: dict[str, Any]) -> None:
    rows, cells = document["n_train"], document["n_train_cells"]
    size = f"{cells} cells" if rows == cells else f"{rows} rows of {cells} cells"
    click.echo(f"{document['predictor']} trained on {size}, written to {document['out']}")
    if document["metrics"]:
        names = list(next(iter(document["metrics"].values())))
        shown = [(target, *figures.values()) for target, figures in document["metrics"].items()]
        print_rows(("held out", *names), shown)

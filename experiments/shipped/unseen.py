"""What does a predictor say of the finalists that was trained on no cell that computes the same?

The shipped predictor was trained on every cell, so that what it says of a finalist is in-sample.
Here its recipe is fitted to all cells but those of the finalists' function classes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

import numpy as np

import surrobust as sr
from experiments.frame import Experiment, Key, Lines
from experiments.markdown import table
from experiments.shipped.cards import SHIPPED
from surrobust.predictors import AbstractPredictor

NAME = "nas-robbench-201-v1"
FINALISTS = (2581, 9930)
METRICS = ("clean", "fgsm-3", "pgd-3", "fgsm-8", "pgd-8", "autoattack-8")


@dataclass(frozen=True)
class Row:
    cell: int
    target: str
    published: Annotated[float, ".4f"]
    in_sample: Annotated[float, ".4f"]
    unseen: Annotated[float, ".4f"]


def keys(cells: tuple[int, ...] = FINALISTS) -> Iterator[Key]:
    yield from ((index,) for index in cells)


def measure(cell: int, *, trained_on: int = 0) -> Iterator[Row]:
    """Predict by the recipe, fitted to all other cells or so many, and by what ships."""
    benchmark, one = SHIPPED[NAME].benchmark, [sr.Architecture.parse(cell)]
    known, unseen, shipped = sr.load_table(benchmark), fitted(trained_on), sr.load_predictor(NAME)
    told = [dict(zip(m.targets, m.predict(one)[0], strict=True)) for m in (shipped, unseen)]
    for metric in METRICS:
        target = f"{benchmark}/cifar10/{metric}"
        yield Row(cell, target, known.query(*one, target), *(each[target] for each in told))


@cache
def fitted(trained_on: int) -> AbstractPredictor:
    what = SHIPPED[NAME]
    known = sr.load_table(what.benchmark)
    classes = {sr.Architecture.parse(index).function_class for index in FINALISTS}
    kept = [i for i, c in enumerate(known.architectures) if c.function_class not in classes]
    kept = kept[: trained_on or None]
    values = np.stack([known.values(target) for target in known.targets], axis=1)
    # The predictions do not depend on the calibration of intervals.
    model = sr.make_predictor(what.kind, seed=0, **what.options, calibration_folds=0)
    return model.fit([known.architectures[i] for i in kept], values[kept], targets=known.targets)


def tables(rows: list[Row]) -> Lines:
    body = []
    for cell in dict.fromkeys(row.cell for row in rows):
        for name in ("published", "in_sample", "unseen"):
            values = [getattr(row, name) for row in rows if row.cell == cell]
            shown = (f"{value:.4f}".removeprefix("0") for value in values)
            body.append([cell, name.replace("_", "-"), *shown])
    return table(["cell", None, *METRICS], body)


experiment = Experiment(
    __doc__,
    Path(__file__).with_name("unseen.csv"),
    Row,
    keys,
    measure,
    lambda rows: {"unseen": tables(rows)},
    smoke={"cells": FINALISTS[:1], "trained_on": 60},
    order=lambda row: row.cell,
)

if __name__ == "__main__":
    experiment.main()

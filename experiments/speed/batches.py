"""What does a prediction of many cells in one call cost, beside a loop of single calls?"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import surrobust as sr
from experiments.frame import Experiment, Key, Lines
from experiments.markdown import table

PREDICTORS = (
    "nas-robbench-201-v1",
    "jung2023-v1",
    "hw-nas-bench-v1",
    "hw-nas-bench-edgetpu-v1",
)


@dataclass(frozen=True)
class Row:
    predictor: str
    targets: int
    cells_per_second: Annotated[float, ".0f"]
    in_a_loop: Annotated[float, ".0f"]
    ratio: Annotated[float, ".1f"]


def keys(predictors: tuple[str, ...] = PREDICTORS) -> Iterator[Key]:
    yield from ((name,) for name in predictors)


def measure(predictor: str) -> Row:
    """All 15625 cells x all targets at once, and 200 of them one by one."""
    cells, model = list(sr.NASBench201()), sr.load_predictor(predictor)
    model.predict(cells[:10])
    start = time.perf_counter()
    model.predict(cells)
    batch = len(cells) / (time.perf_counter() - start)
    start = time.perf_counter()
    for cell in cells[:200]:
        model.predict([cell])
    loop = 200 / (time.perf_counter() - start)
    return Row(predictor, len(model.targets), batch, loop, batch / loop)


def tables(rows: list[Row]) -> Lines:
    body = []
    for row in rows:
        speeds = (f"{speed:.0f}" for speed in (row.cells_per_second, row.in_a_loop, row.ratio))
        body.append([f"`{row.predictor}`", row.targets, *speeds])
    return table(["predictor", "targets", "cells per second", "in a loop", "ratio"], body)


experiment = Experiment(
    __doc__,
    Path(__file__).with_name("batches.csv"),
    Row,
    keys,
    measure,
    lambda rows: {"batches": tables(rows)},
    smoke={"predictors": ["hw-nas-bench-edgetpu-v1"]},
    order=lambda row: PREDICTORS.index(row.predictor),
)

if __name__ == "__main__":
    experiment.main()

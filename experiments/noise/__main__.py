"""The highest rank correlation and precision that retraining noise leaves, target by target.

Cells that are one network were trained separately by the benchmarks; their spread is the noise.
Twice: with classes of equal networks, and with the coarser classes of equal expressions.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np

import surrobust as sr
from experiments.frame import Experiment, Key, Lines
from experiments.markdown import table
from surrobust.benchmark import TARGETS, ceiling, has_ceiling, training_classes
from surrobust.benchmark.noise import noise_ceiling

EVERY = tuple(t for name in ("nas-robbench-201", "jung2023") for t in sr.targets_of(name))
KINDS = (
    ("kendall_tau", "networks"),
    ("precision_at_100", "networks"),
    ("kendall_tau", "expressions"),
)
"""Measures, and which cells count as one network."""
FIRST_ESTIMATES = (0.945, 0.90, 0.95, 0.80, 0.83, 0.81, 0.75, 0.85)
"""Of tau on the eight targets, by hand, before there was an estimator."""


@dataclass(frozen=True)
class Row:
    target: str
    measure: str
    classes: str
    ceiling: Annotated[float, ".5g"]
    lower: Annotated[float, ".5g"]
    upper: Annotated[float, ".5g"]
    noise_sd: Annotated[float, ".5g"]
    n_classes: int

    def __str__(self) -> str:
        return f"{self.ceiling:.3f} ({self.lower:.3f} to {self.upper:.3f})"


def keys(targets=EVERY) -> Iterator[Key]:
    yield from ((target,) for target in targets if has_ceiling(target))


def measure(target: str, *, resamples: int = 200) -> Iterator[Row]:
    table = sr.load_table(sr.Target.parse(target).benchmark)
    expressions = [cell.function_class for cell in table.architectures]
    for measure, classes in KINDS:
        if classes == "networks":
            found = ceiling(target, measure=measure, n_bootstrap=resamples)
        else:
            found = noise_ceiling(table.values(target), expressions, n_bootstrap=resamples)
        numbers = found.value, found.lower, found.upper, found.noise_sd, found.n_classes
        yield Row(target, measure, classes, *numbers)


def tables(rows: list[Row]) -> Lines:
    """How many classes there are; the eight targets; all targets."""
    found = {(row.target, row.measure, row.classes): row for row in rows}
    yield from class_counts()
    yield "\nThe eight targets on which predictors are compared:\n"
    yield from table(
        ["target", "first estimate", "tau, expressions", "tau, networks", "excess variance"],
        (
            [f"`{target}`", f"{estimate:.3f}", coarse, fine, f"{excess(fine, coarse):.0%}"]
            for target, estimate in zip(TARGETS, FIRST_ESTIMATES, strict=True)
            if (fine := found.get((target, *KINDS[0])))
            and (coarse := found.get((target, *KINDS[2])))
        ),
    )
    yield "\nAll targets, classes of equal networks:\n"
    yield from table(
        ["target", "noise sd", "tau", "precision at 100"],
        (
            [f"`{row.target}`", f"{row.noise_sd:.4f}", row, found[row.target, *KINDS[1]]]
            for row in rows
            if (row.measure, row.classes) == KINDS[0]
        ),
    )


def class_counts() -> Lines:
    cells = sr.NASBench201().representatives()
    notions = {
        "expressions": [cell.function_class for cell in cells],
        "networks": training_classes(cells),
    }
    body = []
    for name, classes in notions.items():
        sizes = np.array(list(Counter(classes).values()))
        several = sizes > 1
        body.append([name, len(sizes), several.sum(), sizes[several].sum()])
    return table(["classes", "in all", "with several members", "cells in these"], body)


def excess(fine: Row, coarse: Row) -> float:
    """Return the share of the coarse classes' noise variance that the fine ones do not have."""
    return 1.0 - (fine.noise_sd / coarse.noise_sd) ** 2


def order(row: Row) -> tuple[int, ...]:
    return EVERY.index(row.target), KINDS.index((row.measure, row.classes))


SMOKE = {"targets": TARGETS[:1], "resamples": 5}
experiment = Experiment(
    __doc__,
    Path(__file__).with_name("results.csv"),
    Row,
    keys,
    measure,
    tables,
    smoke=SMOKE,
    order=order,
)

if __name__ == "__main__":
    experiment.main()

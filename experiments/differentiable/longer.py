"""Does it help to search eight times as long?

The same networks and sizes, on 8192 images instead of 1024: 384 steps instead of 48.
"""

from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

import numpy as np

from experiments.differentiable import __main__ as shorter
from experiments.differentiable.searches import (
    HEADS,
    RANDOM,
    SEEDS,
    SETTINGS,
    Row,
    arnas_seconds,
    by_condition,
    mean_of,
)
from experiments.frame import Experiment, Key, Lines
from experiments.markdown import table

CONDITIONS = ("darts", "arnas", "dsrna jacobian", RANDOM, "arnas without MGDA")


def keys(conditions: tuple[str, ...] = CONDITIONS, seeds: tuple[int, ...] = SEEDS) -> Iterator[Key]:
    yield from product(conditions, seeds)


def measure(
    condition: str,
    seed: int,
    *,
    images: str = "cifar10",
    limit: int = 8192,
    epochs: int = SETTINGS.epochs,
) -> Iterable[Row]:
    options = {"images": images, "limit": limit, "epochs": epochs}
    if condition == RANDOM:
        options["seconds"] = arnas_seconds(experiment.rows())
    return shorter.measure(condition, seed, **options)


def tables(rows: list[Row]) -> Lines:
    """Cells and their values, pgd-8 beside that of the shorter searches."""
    before = by_condition(shorter.experiment.rows())
    body = []
    for key, group in by_condition(rows).items():
        codes = " ".join(row.code for row in group)
        pgd = mean_of(group, "pgd_8"), mean_of(before[key], "pgd_8")
        values = (mean_of(group, name) for name in ("clean", "autoattack_8", "jung_pgd_1"))
        seconds = np.mean([row.seconds for row in group])
        body.append([*key, codes, *pgd, *values, f"{seconds:.0f}"])
    first, clean, autoattack, _, jung = HEADS
    heads = ["condition", "role", "cells by seed", first, "after 48 steps", clean, autoattack]
    return table([*heads, jung, "CPU s"], body)


experiment = Experiment(
    __doc__,
    Path(__file__).with_name("longer.csv"),
    Row,
    keys,
    measure,
    lambda rows: {"longer": tables(rows)},
    smoke={
        "conditions": ["darts"],
        "seeds": [0],
        "images": "digits",
        "limit": 128,
        "epochs": 1,
    },
    order=lambda row: (CONDITIONS.index(row.condition), row.seed),
)

if __name__ == "__main__":
    experiment.main()

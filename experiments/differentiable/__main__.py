"""Which cells do gradients end in: darts, dsrna, arnas, their ablations, beside random search?

``--images`` is a folder that has CIFAR-10 as ``train/<class>/*``, else the official files are read.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np

from experiments.differentiable.searches import (
    GRADIENT_CLASSES,
    HEADS,
    RANDOM,
    SEEDS,
    SETTINGS,
    TARGETS,
    Row,
    arnas_seconds,
    by_condition,
    mean_of,
    search,
    told,
    train_random,
    values_of,
)
from experiments.frame import Experiment, Key, Lines
from experiments.markdown import NOTHING, table

CONDITIONS = (*GRADIENT_CLASSES, RANDOM)


def keys(conditions: tuple[str, ...] = CONDITIONS, seeds: tuple[int, ...] = SEEDS) -> Iterator[Key]:
    yield from product(conditions, seeds)


def measure(
    condition: str,
    seed: int,
    *,
    images: str = "cifar10",
    limit: int = SETTINGS.limit,
    epochs: int = SETTINGS.epochs,
    seconds: float = 0.0,
) -> Iterable[Row]:
    """Search; random search has so many seconds, or as many as ``arnas`` had before."""
    settings = replace(SETTINGS, limit=limit, epochs=epochs)
    if condition == RANDOM:
        budget = seconds or arnas_seconds(experiment.rows())
        return [train_random(seed, budget, images, settings)]
    return search(condition, seed, images, settings)


def tables(rows: list[Row]) -> Lines:
    """Cells and their values, and what drawing from the table would find."""
    body = []
    for key, group in by_condition(rows).items():
        codes = " ".join(row.code for row in group)
        values = (mean_of(group, name) for name in TARGETS)
        seconds = np.mean([row.seconds for row in group])
        body.append([*key, codes, *values, f"{seconds:.0f}", told(group)])
    for n in (1, 5, 20):
        label = "random cell of the table" if n == 1 else f"best of {n} random ones by pgd-8"
        found = (f"{expected_best(name, n):.3f}" for name in TARGETS)
        body.append([f"{label} (expected)", NOTHING, NOTHING, *found, 0, None])
    top = int(np.argmax(values_of("pgd_8")))
    best = (f"{values_of(name)[top]:.3f}" for name in TARGETS)
    body.append(["best cell by pgd-8", NOTHING, NOTHING, *best, NOTHING, None])
    return table(["condition", "role", "cells by seed", *HEADS, "CPU s", "notes"], body)


def expected_best(name: str, n: int) -> float:
    """Return the expected value of the cell that is best by pgd-8 among n drawn ones, exactly."""
    order = np.argsort(values_of("pgd_8"), kind="stable")
    places = np.arange(1, len(order) + 1) / len(order)
    shares = places**n - np.concatenate([[0.0], places[:-1]]) ** n
    return float(shares @ values_of(name)[order])


def plot(rows: list[Row], path: Path) -> None:
    """Draw a dot per run, the table's quartiles behind."""
    from matplotlib.figure import Figure

    groups, values = by_condition(rows), values_of("pgd_8")
    figure = Figure(figsize=(7.5, 4.2), layout="constrained")
    axes = figure.subplots()
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    axes.axvspan(low, high, color="0.9", label="middle half of all cells")
    axes.axvline(middle, color="0.6", lw=1)
    axes.axvline(values.max(), color="0.4", lw=1, ls=":", label="best cell")
    names = [c if role == "cell" else f"{c} ({role})" for c, role in groups]
    for place, group in enumerate(groups.values()):
        found = [row.pgd_8 for row in group]
        axes.plot(found, [place] * len(found), "o", color="C0", alpha=0.7)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("PGD-20 accuracy at 8/255 of the cell, adversarially trained (table)")
    axes.legend(fontsize=8, loc="lower left")
    figure.savefig(path, dpi=110)


experiment = Experiment(
    __doc__,
    Path(__file__).with_name("results.csv"),
    Row,
    keys,
    measure,
    tables,
    {"cells.png": plot},
    smoke={
        "conditions": ["darts", "dsrna jacobian", "arnas", RANDOM],
        "seeds": [0],
        "images": "digits",
        "limit": 64,
        "epochs": 1,
        "seconds": 1.0,
    },
    order=lambda row: (CONDITIONS.index(row.condition), row.seed),
)

if __name__ == "__main__":
    experiment.main()

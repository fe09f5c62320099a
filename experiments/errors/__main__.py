"""Which cells carry the error of `default` beyond what retraining noise explains.

A held-out cell's part of the error is the share of the other held-out cells that it is ordered
wrongly against, less the same share where the measured values are ranked by noisy copies of
themselves (see `surrobust.benchmark.noise`).
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np

import surrobust as sr
from experiments.frame import Experiment, Key, Lines
from experiments.markdown import NOTHING, table
from surrobust.benchmark import TARGETS, split, training_classes
from surrobust.benchmark.noise import noise_ceiling
from surrobust.typing import FloatArray

HERE = Path(__file__).parent
SIZES = (1000, 5000)
OPS = {"1x1": 2, "3x3": 3, "pool": 4}
DRAWS = 5
PANELS = tuple(product(("nas-robbench-201", "jung2023"), SIZES))


@dataclass(frozen=True)
class Row:
    """Of a group of held-out cells; ``wrong`` and ``noise`` are mean shares of discordant pairs.

    Ties count one half.
    """

    target: str
    n_train: int
    seed: int
    by: str
    group: str
    cells: int
    wrong: Annotated[float, ".5g"]
    noise: Annotated[float, ".5g"]


def keys(targets=TARGETS, sizes=SIZES, seeds=range(5)) -> Iterator[Key]:
    for n_train, seed, target in product(sizes, seeds, targets):
        yield target, n_train, seed


def measure(target: str, n_train: int, seed: int) -> Iterator[Row]:
    """Yield one row per group of held-out cells."""
    table = sr.load_table(sr.Target.parse(target).benchmark)
    y, cells = table.values(target), table.architectures
    train, test = split(len(y), n_train=n_train, seed=seed)
    model = sr.make_predictor("default", seed=seed, calibration_folds=0)
    model.fit([cells[i] for i in train], y[train])
    wrong = discordant(y[test], model.predict([cells[i] for i in test]))
    classes = training_classes(cells)
    noise = noise_of(target)[test]
    for by, groups in groups_of(y, train, test, cells, classes).items():
        for group in np.unique(groups):
            mine = groups == group
            means = float(wrong[mine].mean()), float(noise[mine].mean())
            yield Row(target, n_train, seed, by, str(group), int(mine.sum()), *means)


@cache
def noise_of(target: str) -> FloatArray:
    """Return the share of cells that each is ordered wrongly against by retraining alone."""
    table = sr.load_table(sr.Target.parse(target).benchmark)
    draws: list[FloatArray] = []

    def keep(measured: FloatArray, expected: FloatArray) -> float:
        if len(draws) < DRAWS:
            draws.append(discordant(measured, expected))
        return 0.0

    noise_ceiling(
        table.values(target), training_classes(table.architectures), score=keep, n_bootstrap=1
    )
    return np.mean(draws, axis=0)


def discordant(true: FloatArray, predicted: FloatArray) -> FloatArray:
    """Return for each cell the share of the others that it is ordered wrongly against, ``(n,)``."""
    found = np.empty(len(true))
    for start in range(0, len(true), 500):
        rows = slice(start, start + 500)
        signs = np.sign(true[rows, None] - true) * np.sign(predicted[rows, None] - predicted)
        # The cell itself is a tie that does not count.
        found[rows] = (signs < 0).sum(axis=1) + ((signs == 0).sum(axis=1) - 1) / 2
    return found / (len(true) - 1)


def groups_of(
    y: FloatArray, train: np.ndarray, test: np.ndarray, cells: tuple, classes: list
) -> dict[str, np.ndarray]:
    """Return how the held-out cells are grouped: names of groups, ``(n,)`` each."""
    ops = np.array([cells[i].ops for i in test])
    decile = np.argsort(np.argsort(y[test], kind="stable"), kind="stable") * 10 // len(test)
    trained, counts = {classes[i] for i in train}, Counter(classes)
    kind = [
        "trained on" if classes[i] in trained else "held out" if counts[classes[i]] > 1 else "none"
        for i in test
    ]
    found = {"level, tenths": decile.astype(str), "twin": np.array(kind)}
    for name, op in OPS.items():
        found[f"number of {name}"] = np.minimum((ops == op).sum(axis=1), 4).astype(str)
    return found


def tables(rows: list[Row]) -> Lines:
    """By each way of grouping: share of the cells, wrong, noise, share of the error beyond."""
    for by in dict.fromkeys(row.by for row in rows):
        groups = sorted({row.group for row in rows if row.by == by})
        found = [excess(rows, *panel, by) for panel in PANELS]
        yield f"\n### By {by}\n"
        yield from table(
            [None, "cells", *(f"{benchmark}, N = {n}" for benchmark, n in PANELS)],
            (
                [
                    f"{group}{' or more' if group == '4' and 'number' in by else ''}",
                    f"{next(each[group][0] for each in found if group in each):.0%}",
                    *(_cell(each.get(group)) for each in found),
                ]
                for group in groups
            ),
        )


def _cell(figures: tuple[float, ...] | None) -> str:
    return "{1:.3f}, {2:.3f}, {3:.0%}".format(*figures) if figures else NOTHING


def excess(
    rows: list[Row], benchmark: str, n_train: int, by: str
) -> dict[str, tuple[float, float, float, float]]:
    """Return by group: share of cells, wrong, noise, and share of the error beyond noise."""
    mine = [
        row
        for row in rows
        if row.target.startswith(benchmark) and (row.n_train, row.by) == (n_train, by)
    ]
    found = {}
    total = sum(row.cells for row in mine)
    beyond = sum(row.cells * (row.wrong - row.noise) for row in mine)
    for group in {row.group for row in mine}:
        own = [row for row in mine if row.group == group]
        n = sum(row.cells for row in own)
        wrong = sum(row.cells * row.wrong for row in own) / n
        noise = sum(row.cells * row.noise for row in own) / n
        found[group] = n / total, wrong, noise, n * (wrong - noise) / beyond
    return found


def draw(rows: list[Row], path: Path) -> None:
    from matplotlib.figure import Figure

    kinds = list(dict.fromkeys(row.by for row in rows))
    figure = Figure(figsize=(13, 5), layout="constrained")
    panels = figure.subplots(2, len(kinds), sharey="row")
    for line, benchmark in zip(panels, dict(PANELS), strict=True):
        for panel, by in zip(line, kinds, strict=True):
            for place, n_train in enumerate(SIZES):
                found = excess(rows, benchmark, n_train, by)
                names = sorted(found)
                at = np.arange(len(names)) + 0.4 * place - 0.2
                wrong, noise = ([found[name][k] for name in names] for k in (1, 2))
                panel.bar(at, wrong, 0.38, color=f"C{place}", label=f"N = {n_train}")
                panel.bar(at, noise, 0.38, color="black", alpha=0.5)
            panel.set_xticks(range(len(names)), names, fontsize=7)
            panel.set_xlabel(by, fontsize=8)
        line[0].set_ylabel(f"{benchmark}\nshare of pairs wrong", fontsize=8)
    panels[0, 0].bar([0], [0], color="black", alpha=0.5, label="retraining alone")
    panels[0, 0].legend(fontsize=7)
    figure.savefig(path, dpi=100)


SMOKE = {"targets": TARGETS[:1], "sizes": [1000], "seeds": [0]}
experiment = Experiment(
    __doc__, HERE / "results.csv", Row, keys, measure, tables, {"errors.png": draw}, smoke=SMOKE
)

if __name__ == "__main__":
    experiment.main()

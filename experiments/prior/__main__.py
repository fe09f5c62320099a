"""A new target measured on few cells, with a prior that knows other targets, and without."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import numpy as np

import surrobust as sr
from experiments.frame import Experiment, Key, Lines
from experiments.markdown import NOTHING, mean, table
from experiments.prior import calibration
from experiments.prior.known import BENCHMARKS, COLD, LEFT_OUT, given_prior, table_of
from surrobust.benchmark import TARGETS, split
from surrobust.benchmark.noise import noise_ceiling
from surrobust.encodings import FunctionFeatureEncoder
from surrobust.metrics import kendall_tau, r2_score

SIZES = (0, 5, 10, 20, 50, 100, 200)
LABELS = LEFT_OUT | {COLD: "no prior"}


@dataclass(frozen=True)
class Row:
    left_out: str
    target: str
    n_train: int
    seed: int
    kendall_tau: float
    r2: float


def keys(left_out=tuple(LABELS), targets=TARGETS, sizes=SIZES, seeds=range(10)) -> Iterator[Key]:
    """Without a cell there is nothing to draw, and without a prior nothing to say."""
    for name, target, n in product(left_out, targets, sizes):
        if n or name != COLD:
            yield from ((name, target, n, seed) for seed in (seeds if n else [0]))


def measure(left_out: str, target: str, n_train: int, seed: int, *, known_cells: int = 0) -> Row:
    """Fit one predictor and judge it on all other cells."""
    table = table_of(target)
    values, cells = table.values(target), table.architectures
    train, test = np.empty(0, dtype=np.int64), np.arange(len(values))
    if n_train:
        train, test = split(len(values), n_train=n_train, seed=seed)
    prior = given_prior(left_out, target, known_cells)
    model = sr.make_predictor("default", seed=seed, calibration_folds=0, **prior)
    model.fit([cells[i] for i in train], values[train], targets=[target])
    predicted = model.predict([cells[i] for i in test])
    tau = kendall_tau(values[test], predicted)
    # Without a measured cell the predictions have no unit.
    r2 = r2_score(values[test], predicted) if n_train else float("nan")
    return Row(left_out, target, n_train, seed, tau, r2)


def tables(rows: list[Row]) -> Lines:
    """Shares of the ceiling, what a prior adds, how honest deviations are, and tau itself."""
    taus = defaultdict(list)
    for row in rows:
        taus[row.left_out, row.target, row.n_train].append(row.kendall_tau)
    ceilings = {target: ceiling(target) for target in TARGETS}
    sizes = [f"N = {n}" for n in SIZES]
    ways = [*product(BENCHMARKS, LABELS)]
    yield from table(
        ["targets", "prior leaves out", *sizes],
        (
            [home, LABELS[w], *(share(taus, ceilings, home, w, n) for n in SIZES)]
            for home, w in ways
        ),
    )
    yield ""
    yield from table(
        ["target", *sizes[1:]],
        ([target, *(gain(rows, target, n) for n in SIZES[1:])] for target in TARGETS),
    )
    yield ""
    yield from coverages(calibration.experiment.rows())
    for target in TARGETS:
        yield f"\n### `{target}` (ceiling {ceilings[target]:.3f})"
        body = ([LABELS[w], *(mean(taus[w, target, n]) for n in SIZES)] for w in LABELS)
        yield from table(["prior leaves out", *sizes], body)


def ceiling(target: str) -> float:
    cells = table_of(target).architectures
    classes = [FunctionFeatureEncoder().key(cell) for cell in cells]
    return noise_ceiling(table_of(target).values(target), classes, n_bootstrap=1, seed=0).value


def share(
    taus: dict[tuple[str, str, int], list[float]],
    ceilings: dict[str, float],
    home: str,
    left_out: str,
    n: int,
) -> str:
    """Return tau over the ceiling, mean over the targets of a benchmark."""
    mine = {t: taus[left_out, t, n] for t in TARGETS if t.startswith(home)}
    shares = [np.mean(found) / ceilings[t] for t, found in mine.items() if found]
    return f"{np.mean(shares):.3f}" if len(shares) == len(mine) else NOTHING


def gain(rows: list[Row], target: str, n: int) -> str:
    """Return tau with the other benchmark as prior less tau without, seed by seed."""
    mine = [row for row in rows if (row.target, row.n_train) == (target, n)]
    cold = {row.seed: row.kendall_tau for row in mine if row.left_out == COLD}
    warm = {row.seed: row.kendall_tau for row in mine if row.left_out == "benchmark"}
    gains = [tau - cold[seed] for seed, tau in warm.items() if seed in cold]
    if len(gains) < 2:
        return NOTHING
    mean, sd = np.mean(gains), np.std(gains, ddof=1)
    # 2.26: the 97.5 % point of Student's t with 9 degrees of freedom.
    mark = "*" if len(gains) >= 10 and abs(mean) > 2.26 * sd / np.sqrt(len(gains)) else ""
    return f"{mean:+.3f} ± {sd:.3f}{mark} ({len(gains)})"


def coverages(rows: list[calibration.Row]) -> Lines:
    """How many values deviations and intervals hold, mean over targets."""
    groups = defaultdict(list)
    for row in rows:
        shares = {k: v for k, v in asdict(row).items() if k.startswith(("std", "interval"))}
        groups[row.target.split("/")[0], row.left_out, row.n_train].append(shares)
    body = [
        [
            home,
            LABELS[left_out],
            n,
            *(f"{np.mean([x[name] for x in mine]):.2f}" for name in mine[0]),
        ]
        for (home, left_out, n), mine in sorted(groups.items())
    ]
    return table(["targets", "prior leaves out", "N", *shares], body)


SMOKE = {
    "left_out": ["images"],
    "targets": TARGETS[:1],
    "sizes": [5],
    "seeds": [0],
    "known_cells": 300,
}
experiment = Experiment(
    __doc__, Path(__file__).with_name("results.csv"), Row, keys, measure, tables, smoke=SMOKE
)

if __name__ == "__main__":
    experiment.main()

"""Does a metric of cells that other benchmarks taught make predictors better?

On the design targets, of which those of one benchmark have taught the metric of its name: read each
benchmark by what the other taught.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np

from experiments.frame import Experiment, Key, Lines
from experiments.markdown import table
from experiments.untouched.table import read_columns
from surrobust import Architecture
from surrobust.benchmark.predictors.protocol import measured_cells, split
from surrobust.metrics import kendall_tau
from surrobust.predictors import make_predictor
from surrobust.processes.metric import METRICS, metric_without
from surrobust.typing import FloatArray

DESIGN = (
    "nas-robbench-201/cifar10/fgsm-3",
    "nas-robbench-201/imagenet16-120/pgd-8",
    "jung2023/cifar100/pgd-1",
    "jung2023/cifar10/square-1",
)


THIRD = {
    "analognas/ptq": "ptq_accuracy",
    "analognas/drift-1minute": "baseline_drift_60",
    "analognas/drift-1day": "baseline_drift_86400",
}
"""Targets of a benchmark that has taught nothing, none of those of ``experiments/untouched``."""


@dataclass(frozen=True)
class Row:
    predictor: str
    metric: str
    target: str
    n_train: int
    seed: int
    kendall_tau: float


def keys(
    predictors=("gp", "default"),
    metrics=METRICS,
    on=(*DESIGN, *THIRD),
    sizes=(50, 200, 1000),
    seeds=range(100, 104),
) -> Iterator[Key]:
    for size, seed, target, way in product(sizes, seeds, on, product(predictors, metrics)):
        # Both benchmarks may teach a third; what one of them taught is told above.
        if target not in THIRD or way[1] in ("all", "none"):
            yield *way, target, size, seed


def measure(predictor: str, metric: str, target: str, n_train: int, seed: int) -> Row:
    """Kendall's tau on all held-out cells."""
    if target in THIRD:
        cells, columns = third()
        values = columns[target]
    else:
        cells, values = measured_cells(target)
    train, test = split(len(cells), n_train=n_train, seed=seed)
    model = make_predictor(predictor, metric=metric, calibration_folds=0, seed=seed)
    model.fit([cells[i] for i in train], values[train])
    tau = kendall_tau(values[test], model.predict([cells[i] for i in test]))
    return Row(predictor, metric, target, n_train, seed, tau)


@cache
def third() -> tuple[list[Architecture], dict[str, FloatArray]]:
    return read_columns(THIRD)


def tables(rows: list[Row]) -> Lines:
    """Mean tau of the targets of a benchmark, and the paired gain over no metric."""
    known = {(r.predictor, r.metric, r.target, r.n_train, r.seed): r.kendall_tau for r in rows}
    sizes = sorted({row.n_train for row in rows})
    predictors = [name for name in ("gp", "default") if any(r.predictor == name for r in rows)]
    for benchmark in (*METRICS[1:-1], "analognas"):
        mine = [target for target in (*DESIGN, *THIRD) if target.startswith(f"{benchmark}/")]
        kind = "targets of AnalogNAS-Bench" if benchmark == "analognas" else "design targets of "
        kind += "" if benchmark == "analognas" else f"`{benchmark}`"
        yield f"\n### Kendall's tau on {kind}, and what it gains"
        body = []
        metrics = ("all", "none") if benchmark == "analognas" else METRICS
        for predictor, metric in product(predictors, metrics):
            body.append([predictor, told(metric, benchmark)])
            for n in sizes:
                seeds = sorted({r.seed for r in rows if r.n_train == n})
                means, gains = [], []
                for seed in seeds:
                    pairs = [
                        [known.get((predictor, one, t, n, seed)) for one in (metric, "none")]
                        for t in mine
                    ]
                    found = np.array(pairs, dtype=float)
                    if found.size and not np.isnan(found).any():
                        means.append(found[:, 0].mean())
                        gains.append((found[:, 0] - found[:, 1]).mean())
                body[-1].append(cell(means, gains))
        yield from table(["predictor", "metric", *(f"N = {n}" for n in sizes)], body)


def told(metric: str, benchmark: str) -> str:
    if metric == metric_without(benchmark):
        return f"**{metric}**"
    return metric if metric == "none" else f"{metric} (taught by these targets)"


def cell(means: list[float], gains: list[float]) -> str:
    if not means:
        return "–"
    if not any(gains):
        return f"{np.mean(means):.3f}"
    error = np.std(gains, ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else 0.0
    return f"{np.mean(means):.3f} ({np.mean(gains):+.3f} ± {error:.3f}, n = {len(gains)})"


experiment = Experiment(
    __doc__,
    out=Path(__file__).with_name("results.csv"),
    row=Row,
    keys=keys,
    measure=measure,
    tables=tables,
    smoke={"on": DESIGN[:1], "sizes": (20,), "seeds": (100,), "metrics": ("jung2023", "none")},
)

if __name__ == "__main__":
    experiment.main()

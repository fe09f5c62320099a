"""What do tuning inside the split and the other targets' values add to boosted trees?

Ways: ``as is`` and ``tuned`` see one target; ``multi`` and ``both`` are fitted to all targets of
the benchmark, measured on the same N cells, in trees whose leaves hold a value for each.
"""

import csv
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np

from experiments.frame import Experiment, Key, Lines
from experiments.markdown import NOTHING, spread, table
from surrobust.benchmark import TARGETS
from surrobust.benchmark.predictors.protocol import split
from surrobust.metrics import kendall_tau
from surrobust.predictors import make_predictor
from surrobust.tables import load_table
from surrobust.targets import targets_of

HERE = Path(__file__).parent
PEERS = HERE.parent / "predictors" / "peers.csv"
WAYS = ("as is", "multi", "tuned", "both")
JOINT = ("multi", "both")


@dataclass(frozen=True)
class Row:
    way: str
    target: str
    n_train: int
    seed: int
    kendall_tau: float
    seconds: Annotated[float, ".3g"]


def keys(ways=WAYS, targets=TARGETS, sizes=(50, 200, 1000), seeds=(0, 1, 2)) -> Iterator[Key]:
    """Yield fits; one to all targets of a benchmark goes by the first of them."""
    for n_train, seed, way, target in product(sizes, seeds, ways, targets):
        yield way, _alike(target)[0] if way in JOINT else target, n_train, seed


def _alike(target: str) -> list[str]:
    """Return the targets that are reported of a benchmark, or the one that is not among them."""
    home = target.split("/")[0]
    return [t for t in TARGETS if t.startswith(home)] if target in TARGETS else [target]


def measure(way: str, target: str, n_train: int, seed: int, *, trials: int = 30) -> Iterator[Row]:
    """Fit to one target or to all, judge on all held-out cells."""
    home = target.split("/")[0]
    learnt, judged = (targets_of(home), _alike(target)) if way in JOINT else ((target,), [target])
    table = load_table(home)
    cells = list(table.architectures)
    values = np.column_stack([table.values(target) for target in learnt])
    train, test = split(len(cells), n_train=n_train, seed=seed)
    start = time.process_time()
    tune = trials if way in ("tuned", "both") else 0
    model = make_predictor("xgboost", tune=tune, calibration_folds=0, seed=seed)
    model.fit([cells[i] for i in train], values[train], targets=learnt)
    predicted = model.predict([cells[i] for i in test])
    seconds = time.process_time() - start
    for each in judged:
        column = learnt.index(each)
        tau = kendall_tau(values[test, column], predicted[:, column])
        yield Row(way, each, n_train, seed, tau, seconds)


def tables(rows: list[Row]) -> Lines:
    """Tau of each way by target, the gains over ``as is``, and what they cost."""
    with PEERS.open(newline="") as file:
        peers = {
            (row["target"], int(row["n_train"])): float(row["kendall_tau"])
            for row in csv.DictReader(file)
            if row["peer"] == "graf/xgb"
        }
    sizes = sorted({row.n_train for row in rows})
    body = []
    for target in TARGETS:
        told = (f"{peers[target, n]:.3f}" for n in sizes)
        body.append([f"`{target}`", "graf/xgb, the best peer's", *told])
        for way in WAYS:
            mine = [row for row in rows if (row.way, row.target) == (way, target)]
            taus = ([row.kendall_tau for row in mine if row.n_train == n] for n in sizes)
            body.append([None, way, *map(spread, taus)])
    for way in WAYS[1:]:
        body.append(["gain over as is, paired", way, *(_gain(rows, way, n) for n in sizes)])
    for way in WAYS:
        told = (_seconds(rows, way, n) for n in sizes)
        body.append(["CPU seconds of fit and prediction", way, *told])
    return table(["target", "way", *(f"N = {n}" for n in sizes)], body)


def _gain(rows: list[Row], way: str, n: int) -> str:
    taus = {(row.way, row.target, row.seed): row.kendall_tau for row in rows if row.n_train == n}
    pairs = [(tau, taus.get(("as is", *key[1:]))) for key, tau in taus.items() if key[0] == way]
    gains = [tau - before for tau, before in pairs if before is not None]
    if len(gains) < 2:
        return NOTHING
    wins = sum(gain > 0 for gain in gains)
    return f"{np.mean(gains):+.4f} ± {np.std(gains, ddof=1):.4f} ({wins} of {len(gains)} up)"


def _seconds(rows: list[Row], way: str, n: int) -> str:
    seconds = [row.seconds for row in rows if (row.way, row.n_train) == (way, n)]
    return f"{np.mean(seconds):.1f}" if seconds else NOTHING


SMOKE = {"targets": TARGETS[:1], "sizes": [20], "seeds": [0], "trials": 2, "ways": WAYS[:3]}
experiment = Experiment(__doc__, HERE / "results.csv", Row, keys, measure, tables, smoke=SMOKE)

if __name__ == "__main__":
    experiment.main()

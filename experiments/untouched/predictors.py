"""How well do predictors rank a table that no choice was made on? README.md is the protocol.

``graf/...`` reads a checkout of gabikadlecova/GRAF (635defe); ``lightgbm`` must be installed
(``surrobust[peers]``). LightGBM has the other settings of NASLib's ``LGBoost`` too: 90 % of the
columns a tree, 80 % of the cells every five rounds.
"""

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np

from experiments.frame import Experiment, Key, Lines
from experiments.predictors.peer_models import PEERS
from experiments.untouched.comparison import compare
from experiments.untouched.table import TARGETS, read_table
from surrobust import make_predictor
from surrobust.benchmark import BASELINE, ParameterCount, split
from surrobust.metrics import kendall_tau, r2_score, spearman_rho
from surrobust.typing import FloatArray, IntArray

OURS = ("default", "gp", "xgboost", "random_forest")
OTHERS = ("graf/xgb", "graf/rf", "lightgbm")
PREDICTORS = (*OURS, *OTHERS, BASELINE)


@dataclass(frozen=True)
class Row:
    predictor: str
    target: str
    n_train: int
    seed: int
    kendall_tau: Annotated[float, ".6f"]
    spearman: Annotated[float, ".6f"]
    r2: Annotated[float, ".6f"]
    seconds: Annotated[float, ".3g"]

    @property
    def place(self) -> tuple[int, ...]:
        name, target = PREDICTORS.index(self.predictor), TARGETS.index(self.target)
        return self.seed, self.n_train, target, name


def keys(
    predictors: tuple[str, ...] = PREDICTORS,
    targets: tuple[str, ...] = TARGETS,
    sizes: tuple[int, ...] = (20, 50, 200, 1000),
    seeds: range = range(10),
) -> Iterator[Key]:
    for seed, n, target, name in product(seeds, sizes, targets, predictors):
        yield name, target, n, seed


def measure(
    predictor: str, target: str, n_train: int, seed: int, *, graf: str | None = None
) -> Row:
    """Judge on all other representatives."""
    cells, columns = read_table()
    values = columns[target]
    train, test = split(len(cells), n_train=n_train, seed=seed)
    if predictor in PEERS:
        peer_columns(predictor, graf)  # before the clock runs
    start = time.perf_counter()
    ranking, predicted = predict(predictor, train, values[train], test, seed, graf)
    seconds = time.perf_counter() - start
    true = values[test]
    taus = kendall_tau(true, ranking), spearman_rho(true, ranking), r2_score(true, predicted)
    return Row(predictor, target, n_train, seed, *taus, seconds)


@cache
def peer_columns(name: str, graf: str | None) -> tuple:
    return PEERS[name](read_table()[0], graf and Path(graf))


def predict(
    name: str, train: IntArray, y: FloatArray, test: IntArray, seed: int, graf: str | None
) -> tuple[FloatArray, FloatArray]:
    """Return what ranks the test cells and what is predicted of them."""
    cells, _ = read_table()
    seen, held_out = [cells[i] for i in train], [cells[i] for i in test]
    if name == BASELINE:
        counts = ParameterCount().fit(seen, y)
        return counts.rank(held_out), counts.predict(held_out)
    if name in PEERS:
        columns, make_peer = peer_columns(name, graf)
        predicted = np.asarray(make_peer(seed).fit(columns[train], y).predict(columns[test]))
    else:
        # Without calibration the intervals are wrong, the predictions the same, and it is faster.
        model = make_predictor(name, seed=seed, calibration_folds=0)
        predicted = model.fit(seen, y).predict(held_out)
    return predicted, predicted


def tables(rows: list[Row]) -> Lines:
    for target in dict.fromkeys(row.target for row in rows):
        taus: dict = defaultdict(lambda: defaultdict(dict))
        for row in rows:
            if row.target == target:
                taus[f"N = {row.n_train}"][row.predictor][row.seed] = row.kendall_tau
        yield f"\n### Kendall's tau, `{target}`\n"
        yield from compare(taus, digits=3, best=max)


experiment = Experiment(
    __doc__,
    Path(__file__).with_name("predictors.csv"),
    Row,
    keys,
    measure,
    lambda rows: {"predictors": tables(rows)},
    smoke={
        "predictors": ["default", "xgboost", BASELINE],
        "targets": TARGETS[:1],
        "sizes": [20],
        "seeds": [0, 1],
    },
    order=lambda row: row.place,
)

if __name__ == "__main__":
    experiment.main()

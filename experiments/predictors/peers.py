"""Predictors of others on the splits of the experiment: README.md says which versions and settings.

``--graf`` is a checkout of gabikadlecova/GRAF. Libraries come with ``surrobust[peers]``, save
``autogluon.tabular``.
"""

import time
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np

from experiments.frame import Experiment, Key
from experiments.predictors.peer_models import PEERS, Prepared
from surrobust.benchmark import TARGETS, Score, split
from surrobust.benchmark.predictors.protocol import measured_cells
from surrobust.metrics import kendall_tau, precision_at, r2_score, rmse, spearman_rho


def keys(
    peers=tuple(PEERS), targets=TARGETS, sizes=(20, 50, 200, 1000, 5000), seeds=range(10)
) -> Iterator[Key]:
    for seed, n_train, target, peer in product(seeds, sizes, targets, peers):
        yield peer, target, n_train, seed


@cache
def prepare(peer: str, graf: str | None) -> Prepared:
    """Return a peer's columns of the representatives, and what makes it."""
    return PEERS[peer](measured_cells(TARGETS[0])[0], graf and Path(graf))


def measure(
    predictor: str, target: str, n_train: int, seed: int, *, graf: str | None = None
) -> Score:
    X, make = prepare(predictor, graf)  # noqa: N806
    values = measured_cells(target)[1]
    train, test = split(len(values), n_train=n_train, seed=seed)
    start = time.perf_counter()
    model = make(seed).fit(X[train], values[train])
    fitted = time.perf_counter()
    predicted = np.asarray(model.predict(X[test]))
    done = time.perf_counter()
    true = values[test]
    return Score(
        predictor=predictor,
        target=target,
        n_train=n_train,
        seed=seed,
        kendall_tau=kendall_tau(true, predicted),
        spearman=spearman_rho(true, predicted),
        r2=r2_score(true, predicted),
        rmse=rmse(true, predicted),
        precision_at_100=precision_at(true, predicted, k=100),
        fit_seconds=fitted - start,
        predict_seconds=done - fitted,
    )


SMOKE = {"peers": ["nasbowl"], "targets": TARGETS[:1], "sizes": [20], "seeds": [0]}
experiment = Experiment(
    __doc__, Path(__file__).with_name("peers_runs.csv"), Score, keys, measure, smoke=SMOKE
)

if __name__ == "__main__":
    experiment.main()

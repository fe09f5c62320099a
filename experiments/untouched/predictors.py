"""Predictors, ours and others', on a table that no choice was made on: README.md is the protocol.

    python experiments/untouched/predictors.py --graf FOLDER      # resumable
    python experiments/untouched/predictors.py --smoke --graf FOLDER

FOLDER is a checkout of gabikadlecova/GRAF (635defe); ``lightgbm`` must be installed
(``surrobust[peers]``). Reads the table in ``--data-dir`` or ``SURROBUST_DATA``; appends to
``predictors.csv`` a row at a time. LightGBM has the other settings of NASLib's ``LGBoost`` too:
90 % of the columns a tree, 80 % of the cells every five rounds.
"""

import argparse
import csv
import sys
import time
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import numpy as np
from table import TARGETS, read_table

from surrobust import Architecture, make_predictor
from surrobust.benchmark import BASELINE, ParameterCount, split
from surrobust.metrics import kendall_tau, r2_score, spearman_rho
from surrobust.typing import FloatArray, IntArray

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "predictors"))
from peer_models import PEERS  # noqa: E402

OURS = ("default", "gp", "xgboost", "random_forest")
OTHERS = ("graf/xgb", "graf/rf", "lightgbm")
PREDICTORS = (*OURS, *OTHERS, BASELINE)
SIZES = (20, 50, 200, 1000)
SEEDS = range(10)
FIELDS = ("predictor", "target", "n_train", "seed", "kendall_tau", "spearman", "r2", "seconds")
Fit = Callable[[IntArray, FloatArray, IntArray, int], tuple[FloatArray, FloatArray]]
"""From training positions, their values, test positions and a seed to ranking and predictions."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--predictors", nargs="+", default=list(PREDICTORS), choices=PREDICTORS)
    parser.add_argument("--graf", type=Path, help="a checkout of gabikadlecova/GRAF")
    parser.add_argument("--data-dir")
    parser.add_argument("--out", type=Path, default=HERE / "predictors.csv")
    parser.add_argument("--smoke", action="store_true", help="one small score of each predictor")
    args = parser.parse_args()
    cells, values = read_table(args.data_dir)
    fits = {name: _fit(name, cells, args.graf) for name in args.predictors}
    sizes, seeds, targets = (
        (SIZES[:1], SEEDS[:1], TARGETS[:1]) if args.smoke else (SIZES, SEEDS, TARGETS)
    )
    done = set() if args.smoke else _done(args.out)
    for seed, n, target, name in product(seeds, sizes, targets, args.predictors):
        if (name, target, str(n), str(seed)) in done:
            continue
        train, test = split(len(cells), n_train=n, seed=seed)
        start = time.perf_counter()
        ranking, predicted = fits[name](train, values[target][train], test, seed)
        seconds = time.perf_counter() - start
        true = values[target][test]
        taus = kendall_tau(true, ranking), spearman_rho(true, ranking), r2_score(true, predicted)
        row = (name, target, n, seed, *(f"{x:.6f}" for x in taus), f"{seconds:.3g}")
        print(*row, file=sys.stderr, flush=True)
        if not args.smoke:
            _append(args.out, row)


def _fit(name: str, cells: Sequence[Architecture], graf: Path | None) -> Fit:
    """Return what fits a predictor, and ranks and predicts."""
    if name in PEERS:
        X, make_peer = PEERS[name](cells, graf)  # noqa: N806

        def fit_peer(
            train: IntArray, y: FloatArray, test: IntArray, seed: int
        ) -> tuple[FloatArray, FloatArray]:
            predicted = np.asarray(make_peer(seed).fit(X[train], y).predict(X[test]))
            return predicted, predicted

        return fit_peer

    def fit(
        train: IntArray, y: FloatArray, test: IntArray, seed: int
    ) -> tuple[FloatArray, FloatArray]:
        seen, held_out = [cells[i] for i in train], [cells[i] for i in test]
        if name == BASELINE:
            counts = ParameterCount().fit(seen, y)
            return counts.rank(held_out), counts.predict(held_out)
        # Without calibration the intervals are wrong, the predictions the same, and it is faster.
        model = make_predictor(name, seed=seed, calibration_folds=0)
        predicted = model.fit(seen, y).predict(held_out)
        return predicted, predicted

    return fit


def _done(path: Path) -> set[tuple[str, ...]]:
    if not path.exists():
        return set()
    with path.open(newline="") as file:
        return {tuple(row[key] for key in FIELDS[:4]) for row in csv.DictReader(file)}


def _append(path: Path, row: Sequence[object]) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if new:
            writer.writerow(FIELDS)
        writer.writerow(row)


if __name__ == "__main__":
    main()

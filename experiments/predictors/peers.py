"""Predictors of others on the splits of run.py: README.md says which versions and settings.

    python experiments/predictors/peers.py --graf FOLDER               # resumable
    python experiments/predictors/peers.py --peers catboost --seeds 3  # some of it

FOLDER is a checkout of gabikadlecova/GRAF. Libraries come with ``surrobust[peers]``, save
``autogluon.tabular``. Appends to ``peers_runs.csv`` a row at a time.
"""

import argparse
import csv
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, fields
from itertools import product
from pathlib import Path

import numpy as np
from peer_models import PEERS, Prepared

from surrobust import Architecture, load_table
from surrobust.benchmark import TARGETS, Score, split
from surrobust.metrics import kendall_tau, precision_at, r2_score, rmse, spearman_rho
from surrobust.targets import Target
from surrobust.typing import FloatArray

HERE = Path(__file__).parent
SIZES = (20, 50, 200, 1000, 5000)
FIELDS = tuple(field.name for field in fields(Score))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=PEERS)
    parser.add_argument("--targets", nargs="+", default=list(TARGETS), choices=TARGETS)
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--graf", type=Path, help="a checkout of gabikadlecova/GRAF")
    parser.add_argument("--data-dir")
    parser.add_argument("--out", type=Path, default=HERE / "peers_runs.csv")
    parser.add_argument("--smoke", action="store_true", help="one small score of each peer")
    args = parser.parse_args()
    if args.smoke:
        args.sizes, args.seeds, args.targets = [20], 1, args.targets[:1]
    done = _done(args.out)
    cells, values = _read(args.targets, args.data_dir)
    ready = {name: PEERS[name](cells, args.graf) for name in args.peers}
    for seed, n, target, name in product(range(args.seeds), args.sizes, args.targets, args.peers):
        if (name, target, str(n), str(seed)) in done:
            continue
        train, test = split(len(cells), n_train=n, seed=seed)
        score = _score(name, target, ready[name], values[target], train, test, seed)
        print(name, target, n, seed, f"{score.kendall_tau:.4f}", file=sys.stderr, flush=True)
        if not args.smoke:
            _append(args.out, score)


def _read(
    targets: Sequence[str], data_dir: str | None
) -> tuple[list[Architecture], dict[str, FloatArray]]:
    """Return the representatives by ascending index, and each target's values."""
    tables = {
        name: load_table(name, data_dir=data_dir)
        for name in dict.fromkeys(Target.parse(target).benchmark for target in targets)
    }
    cells = [list(table.architectures) for table in tables.values()]
    assert all(one == cells[0] for one in cells), "expected the same cells in both tables"
    return cells[0], {t: tables[Target.parse(t).benchmark].values(t) for t in targets}


def _score(
    name: str,
    target: str,
    ready: Prepared,
    values: FloatArray,
    train: "np.ndarray",
    test: "np.ndarray",
    seed: int,
) -> Score:
    X, make = ready  # noqa: N806
    start = time.perf_counter()
    model = make(seed).fit(X[train], values[train])
    fitted = time.perf_counter()
    predicted = np.asarray(model.predict(X[test]))
    done = time.perf_counter()
    true = values[test]
    return Score(
        predictor=name,
        target=target,
        n_train=len(train),
        seed=seed,
        kendall_tau=kendall_tau(true, predicted),
        spearman=spearman_rho(true, predicted),
        r2=r2_score(true, predicted),
        rmse=rmse(true, predicted),
        precision_at_100=precision_at(true, predicted, k=100),
        fit_seconds=fitted - start,
        predict_seconds=done - fitted,
    )


def _done(path: Path) -> set[tuple[str, ...]]:
    if not path.exists():
        return set()
    with path.open(newline="") as file:
        return {tuple(row[key] for key in FIELDS[:4]) for row in csv.DictReader(file)}


def _append(path: Path, score: Score) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if new:
            writer.writerow(FIELDS)
        writer.writerow(f"{x:.6g}" if isinstance(x, float) else x for x in asdict(score).values())


if __name__ == "__main__":
    main()

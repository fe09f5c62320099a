"""Searches on AnalogNAS-Bench, by the protocol of README.md: rows of ``searches.csv``.

    python experiments/untouched/searches.py             # resumable; hours on one CPU core

``climb`` is what a search had found when: ``1:5213 4:88`` says that the first evaluation, of
architecture 5213, was the best until the fourth, of architecture 88.
"""

import argparse
import csv
import sys
import time
from pathlib import Path

import numpy as np
from table import TARGETS, read_table

from surrobust import Architecture
from surrobust.benchmark.peers import PEERS
from surrobust.benchmark.searches import BUDGETS, Climb
from surrobust.searches import run
from surrobust.sessions import make_search
from surrobust.typing import FloatArray

HERE = Path(__file__).parent
STRATEGIES = (
    "default", "random", "local_search", "optuna-tpe", "botorch", "optuna-gp",
)  # fmt: skip
SEEDS = range(10)
FIELDS = ("strategy", "target", "seed", *(f"regret_{b}" for b in BUDGETS), "climb", "seconds")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strategies", nargs="+", default=list(STRATEGIES), choices=STRATEGIES)
    parser.add_argument("--data-dir")
    parser.add_argument("--out", type=Path, default=HERE / "searches.csv")
    args = parser.parse_args()
    cells, columns = read_table(args.data_dir)
    done = set()
    if args.out.exists():
        with args.out.open(newline="") as file:
            done = {(r["strategy"], r["target"], int(r["seed"])) for r in csv.DictReader(file)}
    else:
        with args.out.open("w", newline="") as file:
            csv.writer(file).writerow(FIELDS)
    for strategy in args.strategies:
        for seed in SEEDS:
            for target in TARGETS:
                if (strategy, target, seed) not in done:
                    row = _search(
                        strategy, target, seed, dict(zip(cells, columns[target], strict=True))
                    )
                    with args.out.open("a", newline="") as file:
                        csv.DictWriter(file, FIELDS).writerow(row)
                    print(*row.values(), file=sys.stderr, flush=True)


def _search(
    strategy: str, target: str, seed: int, values: dict[Architecture, float]
) -> dict[str, object]:
    budget = max(BUDGETS)
    start = time.perf_counter()
    if strategy in PEERS:
        asked = PEERS[strategy](budget=budget, seed=seed).spend(values.__getitem__)
    else:
        search = make_search(strategy, seed=seed)
        ran = run(search, values.__getitem__, budget=budget, source="table")
        asked = [evaluation.architecture for evaluation in ran]
    seconds = time.perf_counter() - start
    found = np.array([values[cell] for cell in asked])
    best: FloatArray = np.maximum.accumulate(found)
    steps = np.flatnonzero(np.diff(best, prepend=-np.inf))
    climb = Climb(tuple((int(i) + 1, asked[i].index) for i in steps))
    regrets = {f"regret_{b}": f"{max(values.values()) - best[b - 1]:.6f}" for b in BUDGETS}
    return {
        "strategy": strategy,
        "target": target,
        "seed": seed,
        **regrets,
        "climb": str(climb),
        "seconds": f"{seconds:.1f}",
    }


if __name__ == "__main__":
    main()

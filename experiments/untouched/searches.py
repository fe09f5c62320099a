"""How near to the best cell do searches come on a table that no choice was made on?

README.md is the protocol. ``climb`` is what a search had found when: ``1:5213 4:88`` says that the
first evaluation, of architecture 5213, was the best until the fourth, of architecture 88.
"""

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np

from experiments.frame import Experiment, Key, Lines
from experiments.untouched.comparison import CHANGED, REFERENCE, compare
from experiments.untouched.table import TARGETS, read_table
from surrobust.benchmark.peers import PEERS
from surrobust.benchmark.searches import BUDGETS, Climb
from surrobust.searches import run
from surrobust.sessions import make_search

HERE = Path(__file__).parent
STRATEGIES = ("default", "random", "local_search", "optuna-tpe", "botorch", "optuna-gp")


@dataclass(frozen=True)
class Row:
    strategy: str
    target: str
    seed: int
    regret_20: Annotated[float, ".6f"]
    regret_50: Annotated[float, ".6f"]
    regret_100: Annotated[float, ".6f"]
    climb: Climb
    seconds: Annotated[float, ".1f"]

    @property
    def place(self) -> tuple[int, ...]:
        return STRATEGIES.index(self.strategy), self.seed, TARGETS.index(self.target)


def keys(
    strategies: tuple[str, ...] = STRATEGIES,
    targets: tuple[str, ...] = TARGETS,
    seeds: range = range(10),
) -> Iterator[Key]:
    for strategy, seed, target in product(strategies, seeds, targets):
        yield strategy, target, seed


def measure(strategy: str, target: str, seed: int) -> Row:
    cells, columns = read_table()
    values = dict(zip(cells, columns[target], strict=True))
    start = time.perf_counter()
    if strategy in PEERS:
        asked = PEERS[strategy](budget=max(BUDGETS), seed=seed).spend(values.__getitem__)
    else:
        search = make_search(strategy, seed=seed)
        ran = run(search, values.__getitem__, budget=max(BUDGETS), source="table")
        asked = [evaluation.architecture for evaluation in ran]
    seconds = time.perf_counter() - start
    best = np.maximum.accumulate([values[cell] for cell in asked])
    steps = np.flatnonzero(np.diff(best, prepend=-np.inf))
    climb = Climb(tuple((int(i) + 1, asked[i].index) for i in steps))
    regrets = (max(values.values()) - best[budget - 1] for budget in BUDGETS)
    return Row(strategy, target, seed, *regrets, climb, seconds)


def tables(rows: list[Row]) -> Lines:
    """Regrets, with those of what has changed since, and the share that found the best cell."""
    changed = experiment.rows(HERE / "afterwards.csv")
    named = [*((row.strategy, row) for row in rows), *((CHANGED, row) for row in changed)]
    for target in dict.fromkeys(row.target for row in rows):
        regrets: dict = defaultdict(lambda: defaultdict(dict))
        for (name, row), budget in product(named, BUDGETS):
            if row.target == target:
                regrets[f"after {budget}"][name][row.seed] = getattr(row, f"regret_{budget}")
        at_end = regrets[f"after {max(BUDGETS)}"].values()
        found = [f"{np.mean([regret == 0 for regret in by.values()]):.0%}" for by in at_end]
        yield f"\n### Regret, `{target}`\n"
        yield from compare(regrets, digits=4, best=min, last={"best found": found})


experiment = Experiment(
    __doc__,
    HERE / "searches.csv",
    Row,
    keys,
    measure,
    lambda rows: {"searches": tables(rows)},
    smoke={"strategies": [REFERENCE, "random"], "targets": TARGETS[:1], "seeds": [0, 1]},
    order=lambda row: row.place,
)

if __name__ == "__main__":
    experiment.main()

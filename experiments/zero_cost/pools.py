"""What does a budget add to a ranking without any measurement?

It is spent from the top of a random pool of scored cells; combinations are fitted on cells outside
of the pool. Beside them, the scores that ship.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np

from experiments.frame import Experiment, Key, Lines
from experiments.markdown import NOTHING, mean, table
from experiments.zero_cost.data import load_data, short
from surrobust.benchmark import TARGETS
from surrobust.searches import ZeroCostSearch
from surrobust.sessions.ranking import zero_cost_scores
from surrobust.spaces import NASBench201, count_parameters
from surrobust.tables import load_table

HERE = Path(__file__).parent
WAYS = ("combination", "synflow", "params", "shipped")
POOLS, BUDGETS = (250, 500, 1000, 2000), (0, 10, 20, 50)
FITTED = 612
"""Cells that combinations are fitted on, as many as ship with scores."""


@dataclass(frozen=True)
class Row:
    way: str
    target: str
    pool: int
    seed: int
    best_0: Annotated[float, ".6f"]
    best_10: Annotated[float, ".6f"]
    best_20: Annotated[float, ".6f"]
    best_50: Annotated[float, ".6f"]


def keys(targets: tuple[str, ...] = TARGETS, seeds: range = range(50)) -> Iterator[Key]:
    yield from product(targets, seeds)


def measure(target: str, seed: int) -> Iterator[Row]:
    """Spend the budget in pools of each size; by the scores that ship, which draw nothing, once."""
    data = load_data()
    values = data.values[target]
    synflow = data.numbers[:, data.columns.index("synflow")]
    params = np.array([count_parameters(cell) for cell in data.cells], float)
    order = np.random.default_rng(1000 + seed).permutation(len(data.cells))
    for size in POOLS:
        pool, others = order[:size], order[size : size + FITTED]
        cells = [data.cells[i] for i in pool]
        value = dict(zip(cells, values[pool], strict=True))
        rankings = (data.combine(target, others), synflow, params)
        for way, scores in zip(WAYS[:3], rankings, strict=True):
            known = dict(zip(cells, map(float, scores[pool]), strict=True))
            search = ZeroCostSearch(NASBench201(), scores=known, candidates=cells, seed=seed)
            asked = [value[cell] for cell in search.ask(max(BUDGETS))]
            yield Row(way, target, size, seed, *best(asked))
    if seed == 0:
        shipped, measured = zero_cost_scores(target), load_table(target.split("/")[0])
        asked = ZeroCostSearch(NASBench201(), scores=shipped).ask(max(BUDGETS))
        found = best([measured.query(cell, target) for cell in asked])
        yield Row("shipped", target, len(shipped), seed, *found)


def best(asked: list[float]) -> list[float]:
    """Return the best after each budget; with no evaluation, the first of the ranking."""
    return [max(asked[: max(budget, 1)]) for budget in BUDGETS]


def tables(rows: list[Row]) -> Lines:
    """Best values by target, size of the pool and way, beside what others published."""
    with (HERE / "published.csv").open(newline="") as file:
        published = {row["target"]: row["value"] for row in csv.DictReader(file)}
    yield f"Best value after a budget, mean ± sd of {len({r.seed for r in rows})} random pools:"
    yield ""
    body = []
    for target in TARGETS:
        mine = [row for row in rows if row.target == target]
        for way, size in dict.fromkeys((row.way, row.pool) for row in mine):
            own = [row for row in mine if (row.way, row.pool) == (way, size)]
            found = ([getattr(row, f"best_{budget}") for row in own] for budget in BUDGETS)
            cells = [mean(values, 4) for values in found]
            body.append([short(target), way, size, *cells, published.get(target, NOTHING)])
    heads = ["target", "ranked by", "proxy evaluations", *(f"budget {b}" for b in BUDGETS)]
    yield from table([*heads, "published, 3000"], body, rule=" --- ")


def place(row: Row) -> tuple[object, ...]:
    return TARGETS.index(row.target), row.way == WAYS[-1], row.pool, row.seed, WAYS.index(row.way)


experiment = Experiment(
    __doc__,
    HERE / "pools.csv",
    Row,
    keys,
    measure,
    lambda rows: {"pools": tables(rows)},
    smoke={"targets": TARGETS[:1], "seeds": [0]},
    order=place,
)

if __name__ == "__main__":
    experiment.main()

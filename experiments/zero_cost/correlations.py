"""How well do proxies rank, alone and combined?

The combination is judged on the half of the cells that it was not fitted on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np
from scipy.stats import spearmanr

from experiments.frame import Experiment, Key, Lines
from experiments.markdown import mean, table
from experiments.zero_cost.data import load_data, short
from surrobust.benchmark import TARGETS

ALL = "combination"


@dataclass(frozen=True)
class Row:
    proxy: str
    target: str
    seed: int
    n: int
    spearman: Annotated[float, ".4f"]


def keys(targets: tuple[str, ...] = TARGETS, seeds: range = range(5)) -> Iterator[Key]:
    yield from product(targets, seeds)


def measure(target: str, seed: int) -> Iterator[Row]:
    """Spearman of each proxy, and of the combination, on one half."""
    data = load_data()
    order = np.random.default_rng(seed).permutation(len(data.cells))
    fitted, held_out = np.split(order, [len(order) // 2])
    scores = dict(zip(data.columns, data.numbers.T, strict=True))
    scores[ALL] = data.combine(target, fitted)
    for name, score in scores.items():
        rho = spearmanr(score[held_out], data.values[target][held_out]).statistic
        yield Row(name, target, seed, len(held_out), rho)


def tables(rows: list[Row]) -> Lines:
    """Correlations by proxy and target."""
    names = dict.fromkeys(row.proxy for row in rows)
    targets = [target for target in TARGETS if any(row.target == target for row in rows)]
    splits = len({row.seed for row in rows})
    yield f"Spearman with measured values, held-out half (n = {rows[0].n}), {splits} splits:"
    yield ""
    body = []
    for name in dict.fromkeys(["params", ALL, *names]):
        mine = [row for row in rows if row.proxy == name]
        found = ([row.spearman for row in mine if row.target == target] for target in targets)
        cells = [mean(values) for values in found]
        body.append([f"**{name}**" if name == ALL else name, *cells])
    yield from table(["", *map(short, targets)], body, rule=" --- ")


experiment = Experiment(
    __doc__,
    Path(__file__).with_name("correlations.csv"),
    Row,
    keys,
    measure,
    lambda rows: {"correlations": tables(rows)},
    smoke={"targets": TARGETS[:1], "seeds": [0]},
    order=lambda row: (TARGETS.index(row.target), row.seed),
)

if __name__ == "__main__":
    experiment.main()

"""What do columns known beforehand add to `default`: published proxies, the clean accuracy?"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np

from experiments.frame import Experiment, Key, Lines
from experiments.markdown import NOTHING, spread, table
from surrobust.benchmark import TARGETS
from surrobust.benchmark.predictors.protocol import ParameterCount, measured_cells, split
from surrobust.encodings import Columns
from surrobust.metrics import kendall_tau
from surrobust.predictors import make_predictor
from surrobust.tables import load_proxy_columns, load_table
from surrobust.targets import Target

SETS = ("none", "proxies", "clean", "both")
ALONE = ("parameters alone", "clean alone")
"""Rankings by one number, nothing learnt."""


@dataclass(frozen=True)
class Row:
    predictor: str
    columns: str
    target: str
    n_train: int
    seed: int
    kendall_tau: float
    seconds: Annotated[float, ".3g"]


def keys(
    predictors=("default",), targets=TARGETS, sizes=(20, 50, 200, 1000), seeds=range(5)
) -> Iterator[Key]:
    ways = [*product(predictors, SETS), *product(ALONE, ["none"])]
    for n_train, seed, target, way in product(sizes, seeds, targets, ways):
        yield *way, target, n_train, seed


def measure(predictor: str, columns: str, target: str, n_train: int, seed: int) -> Row:
    """Kendall's tau on all held-out cells, and the seconds of fit and prediction."""
    cells, values = measured_cells(target)
    train, test = split(len(cells), n_train=n_train, seed=seed)
    held_out = [cells[i] for i in test]
    given = given_columns(columns, target)
    start = time.process_time()
    if predictor == "clean alone":
        ranking = clean_columns(target).encode(held_out)[:, 0]
    elif predictor == "parameters alone":
        ranking = ParameterCount().rank(held_out)
    else:
        model = make_predictor(predictor, columns=given, calibration_folds=0, seed=seed)
        ranking = model.fit([cells[i] for i in train], values[train]).predict(held_out)
    seconds = 0.0 if predictor in ALONE else time.process_time() - start
    tau = kendall_tau(values[test], ranking)
    return Row(predictor, columns, target, n_train, seed, tau, seconds)


def given_columns(name: str, target: str) -> Columns | None:
    if name == "none":
        return None
    if name == "both":
        return proxies().beside(clean_columns(target))
    return proxies() if name == "proxies" else clean_columns(target)


@cache
def proxies() -> Columns:
    return Columns.of(*load_proxy_columns())


@cache
def clean_columns(target: str) -> Columns:
    """The clean accuracy of the same trainings: same benchmark, same images."""
    parsed = Target.parse(target)
    table = load_table(parsed.benchmark)
    values = table.values(f"{parsed.benchmark}/{parsed.images}/clean")
    return Columns.of(["clean"], values, table.architectures)


def tables(rows: list[Row]) -> Lines:
    """Mean paired difference to no columns by benchmark; mean and spread by target."""
    sizes = sorted({row.n_train for row in rows})
    predictors = sorted({row.predictor for row in rows} - set(ALONE))
    for benchmark in ("nas-robbench-201", "jung2023"):
        yield f"\n### Gain over no columns, mean of the four `{benchmark}` targets"
        yield from table(
            ["predictor", "columns", *(f"N = {n}" for n in sizes)],
            (
                [predictor, name, *(gain(rows, predictor, name, benchmark, n) for n in sizes)]
                for predictor, name in product(predictors, SETS[1:])
            ),
        )
    ways = [*product(predictors, SETS), *product(ALONE, ["none"])]
    for target in TARGETS:
        taus = {
            (way, n): [
                row.kendall_tau
                for row in rows
                if (row.predictor, row.columns, row.target, row.n_train) == (*way, target, n)
            ]
            for way, n in product(ways, sizes)
        }
        yield f"\n### `{target}`"
        yield from table(
            ["predictor", "columns", *sizes],
            (
                [way[0], "" if way[0] in ALONE else way[1]]
                + [spread(taus[way, n], usual=5) for n in sizes]
                for way in ways
            ),
        )


def gain(rows: list[Row], predictor: str, name: str, benchmark: str, n: int) -> str:
    taus = {
        (row.columns, row.target, row.seed): row.kendall_tau
        for row in rows
        if (row.predictor, row.n_train) == (predictor, n) and row.target.startswith(benchmark)
    }
    gains = [tau - taus["none", *key[1:]] for key, tau in taus.items() if key[0] == name]
    if len(gains) < 2:
        return NOTHING
    wins = sum(gain > 0 for gain in gains)
    return f"{np.mean(gains):+.3f} ± {np.std(gains, ddof=1):.3f} ({wins} of {len(gains)} up)"


SMOKE = {"targets": TARGETS[:1], "sizes": [20], "seeds": [0]}
experiment = Experiment(
    __doc__, Path(__file__).with_name("results.csv"), Row, keys, measure, tables, smoke=SMOKE
)

if __name__ == "__main__":
    experiment.main()

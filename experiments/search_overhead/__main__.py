"""What does a suggestion cost after 50, 500 and 5000 evaluations, as ratio to Optuna's TPE?

Each strategy is told values of random representatives and then asked and told a few times; the
baseline is Optuna's own ``TPESampler`` on a study with the same number of trials, in the same run.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np

from experiments.frame import Experiment, Key, Lines
from experiments.markdown import NOTHING, table
from surrobust._optuna import quiet_optuna
from surrobust.searches.sharing.ledger import PARAMETERS
from surrobust.sessions import make_search
from surrobust.spaces import OPS, Architecture
from surrobust.tables import MeasurementTable, load_table

TARGET = "nas-robbench-201/cifar10/pgd-8"
BASELINE = "optuna-tpe"
OURS = ("random", "zero_cost", "local_search", "evolution", "nsga2", "tpe", "default", "surrogate")
STRATEGIES = (BASELINE, *OURS)
SUGGESTIONS = 5


@dataclass(frozen=True)
class Row:
    evaluations: int
    strategy: str
    median_s: Annotated[float, ".5f"]
    first_s: Annotated[float, ".5f"]
    most_s: Annotated[float, ".5f"]
    n: int


def keys(
    evaluations: tuple[int, ...] = (50, 500, 5000), strategies: tuple[str, ...] = STRATEGIES
) -> Iterator[Key]:
    yield from product(evaluations, strategies)


def measure(evaluations: int, strategy: str) -> Row:
    """Time a few suggestions after so many evaluations."""
    table = load_table("nas-robbench-201")
    order = np.random.default_rng(0).permutation(len(table))[:evaluations]
    cells = [table.architectures[i] for i in order]
    suggest = _theirs(cells, table) if strategy == BASELINE else _ours(strategy, cells, table)
    seconds = []
    for _ in range(SUGGESTIONS):
        start = time.perf_counter()
        suggest()
        seconds.append(time.perf_counter() - start)
    median = statistics.median(seconds)
    return Row(evaluations, strategy, median, seconds[0], max(seconds), SUGGESTIONS)


def _ours(name: str, cells: list[Architecture], table: MeasurementTable) -> Callable[[], None]:
    search = make_search(name, seed=0, target=TARGET)
    for cell in cells:
        search.tell(cell, table.query(cell, TARGET))

    def suggest() -> None:
        (cell,) = search.ask()
        search.tell(cell, table.query(cell, TARGET))

    return suggest


def _theirs(cells: list[Architecture], table: MeasurementTable) -> Callable[[], None]:
    import optuna

    choices = dict.fromkeys(PARAMETERS, optuna.distributions.CategoricalDistribution(OPS))
    with quiet_optuna():
        sampler = optuna.samplers.TPESampler(seed=0)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        for cell in cells:
            params = dict(zip(PARAMETERS, (OPS[op] for op in cell.ops), strict=True))
            value = table.query(cell, TARGET)
            study.add_trial(optuna.create_trial(params=params, distributions=choices, value=value))

    def suggest() -> None:
        with quiet_optuna():
            trial = study.ask(choices)
            cell = Architecture(tuple(OPS.index(trial.params[name]) for name in PARAMETERS))
            study.tell(trial, table.query(cell, TARGET))

    return suggest


def tables(rows: list[Row]) -> Lines:
    """Ratios to the baseline, with seconds."""
    sizes = sorted({row.evaluations for row in rows})
    seconds = {(row.evaluations, row.strategy): row.median_s for row in rows}
    names = dict.fromkeys(row.strategy for row in rows)
    body = (
        [name, *(_cell(seconds.get((n, name)), seconds.get((n, BASELINE))) for n in sizes)]
        for name in names
    )
    return table(["strategy", *(f"{n} evaluations" for n in sizes)], body)


def _cell(seconds: float | None, base: float | None) -> str:
    if seconds is None or base is None:
        return NOTHING
    return f"{seconds / base:.2f} ({seconds:.3f} s)"


experiment = Experiment(
    __doc__,
    Path(__file__).with_name("results.csv"),
    Row,
    keys,
    measure,
    tables,
    smoke={"evaluations": [50], "strategies": [BASELINE, "default"]},
    order=lambda row: (row.evaluations, STRATEGIES.index(row.strategy)),
)

if __name__ == "__main__":
    experiment.main()

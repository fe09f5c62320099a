"""What does it cost in regret to ask before all values are known, as parallel workers do?"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np
import optuna

from experiments.frame import Experiment, Key, Lines
from experiments.markdown import table
from surrobust.searches import AbstractSearch
from surrobust.sessions import make_search
from surrobust.sessions.studies.sampler import SurrobustSampler, suggest_architecture
from surrobust.spaces import Architecture
from surrobust.tables import load_table

TARGET = "nas-robbench-201/cifar10/pgd-8"
BUDGETS = (20, 50)
MODES = ("workers 1", "workers 2", "workers 4", "workers 8", "batch 8", "optuna study")

Measure = Callable[[Architecture], float]


@dataclass(frozen=True)
class Row:
    mode: str
    seed: int
    regret_20: Annotated[float, ".6f"]
    regret_50: Annotated[float, ".6f"]
    seconds: Annotated[float, ".1f"]


def keys(modes: tuple[str, ...] = MODES, seeds: range = range(12)) -> Iterator[Key]:
    yield from ((mode, seed) for seed, mode in product(seeds, modes))


def measure(mode: str, seed: int) -> Row:
    """Run one search of 50 evaluations."""
    known = load_table("nas-robbench-201")
    start = time.perf_counter()
    kind, _, size = mode.partition(" ")
    if kind == "optuna":
        values = in_study(lambda cell: known.query(cell, TARGET), seed)
    else:
        loop = with_workers if kind == "workers" else in_batches
        search = make_search("default", seed=seed)
        values = loop(search, lambda cell: known.query(cell, TARGET), int(size))
    seconds = time.perf_counter() - start
    found = np.maximum.accumulate(values)
    regrets = (known.values(TARGET).max() - found[budget - 1] for budget in BUDGETS)
    return Row(mode, seed, *regrets, seconds)


def with_workers(search: AbstractSearch, measure: Measure, n: int) -> list[float]:
    """Let each new architecture be asked for while n - 1 others are being measured."""
    values: list[float] = []
    running = deque(search.ask(n))
    while len(values) < max(BUDGETS):
        cell = running.popleft()
        values.append(measure(cell))
        search.tell(cell, values[-1])
        running += search.ask()
    return values


def in_batches(search: AbstractSearch, measure: Measure, n: int) -> list[float]:
    """Ask for n at once, measure all, ask again."""
    values: list[float] = []
    while len(values) < max(BUDGETS):
        for cell in search.ask(n):
            values.append(measure(cell))
            search.tell(cell, values[-1])
    return values[: max(BUDGETS)]


def in_study(measure: Measure, seed: int) -> list[float]:
    """Let Optuna ask the sampler, one trial after another."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=SurrobustSampler(seed=seed))
    study.optimize(lambda trial: measure(suggest_architecture(trial)), n_trials=max(BUDGETS))
    return [trial.value for trial in study.trials]


def tables(rows: list[Row]) -> Lines:
    """Regrets by mode, with their standard errors."""
    body = []
    for mode in dict.fromkeys(row.mode for row in rows):
        own = [row for row in rows if row.mode == mode]
        regrets = ([row.regret_20 for row in own], [row.regret_50 for row in own])
        body.append([mode, len(own), *map(_mean, regrets)])
    return table(["how `default` is asked", "runs", "regret 20", "regret 50"], body)


def _mean(values: list[float]) -> str:
    error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0
    return f"{np.mean(values):.4f} ± {error:.4f}"


experiment = Experiment(
    __doc__,
    Path(__file__).with_name("parallel.csv"),
    Row,
    keys,
    measure,
    lambda rows: {"parallel": tables(rows)},
    smoke={"modes": ["workers 4", "batch 8"], "seeds": [0]},
    order=lambda row: (row.seed, MODES.index(row.mode)),
)

if __name__ == "__main__":
    experiment.main()

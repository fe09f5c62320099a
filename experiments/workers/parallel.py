"""Regret of searches that ask before all values are known, as parallel workers do."""

import time
from collections import deque
from collections.abc import Callable

import numpy as np
import optuna

from surrobust.searches import AbstractSearch
from surrobust.sessions import make_search
from surrobust.sessions.studies.sampler import SurrobustSampler, suggest_architecture
from surrobust.spaces import Architecture
from surrobust.tables import load_table

TARGET = "nas-robbench-201/cifar10/pgd-8"
BUDGETS = (20, 50)
COLUMNS = ("mode", "seed", *(f"regret_{b}" for b in BUDGETS), "seconds")
MODES = ("workers 1", "workers 2", "workers 4", "workers 8", "batch 8", "optuna study")

Measure = Callable[[Architecture], float]


def run_once(mode: str, seed: int) -> dict[str, object]:
    """Run one search of 50 evaluations and return its row."""
    table = load_table("nas-robbench-201")
    start = time.perf_counter()
    kind, _, size = mode.partition(" ")
    if kind == "optuna":
        values = in_study(lambda cell: table.query(cell, TARGET), seed)
    else:
        loop = with_workers if kind == "workers" else in_batches
        search = make_search("default", seed=seed)
        values = loop(search, lambda cell: table.query(cell, TARGET), int(size))
    found = np.maximum.accumulate(values)
    row: dict[str, object] = {"mode": mode, "seed": seed}
    row |= {f"regret_{b}": f"{table.values(TARGET).max() - found[b - 1]:.6f}" for b in BUDGETS}
    return row | {"seconds": f"{time.perf_counter() - start:.1f}"}


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

"""How near to the best cell does each strategy come in 20, 50, 100 evaluations, beside the peers?

Runs are the library's (``surrobust benchmark searches``); those of others need their libraries (the
extra ``peers``, and what README.md says).
"""

import csv
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from experiments.frame import Experiment, Key, Lines
from experiments.markdown import table
from surrobust.benchmark import TARGETS
from surrobust.benchmark.panels import write_regret_figure
from surrobust.benchmark.searches import (
    BUDGETS,
    SearchRun,
    SearchStanding,
    regrets,
    search_once,
    search_standings,
)

HERE = Path(__file__).parent
OURS = {
    "default": 50,
    "local_search": 50,
    "evolution": 50,
    "tpe": 50,
    "nsga2": 20,
    "zero_cost": 20,
    "random": 50,
}
PEERS = {
    "gp-paths": 50,
    "botorch": 50,
    "nasbowl": 50,
    "optuna-gp": 50,
    "optuna-tpe": 50,
    "optuna-nsgaii": 20,
    "optuna-random": 20,
    "naszilla-local-search": 50,
    "naszilla-local-search-on": 50,
    "naszilla-evolution": 50,
    "smac": 20,
    "hebo": 20,
}
"""Runs of each."""
STRATEGIES = OURS | PEERS
DRAWN = ("default", "local_search", "evolution", "random", "gp-paths", "nasbowl", "optuna-tpe")
"""What is in the figure."""
LEAST = 5
"""Runs without which a strategy is not in the tables."""
ONLY_AT_50 = ("smac", "hebo")
"""Those that take minutes a run."""
HEADS = ["runs", "regret 20", "50", "100", "found 50", "100", "behind `default` at 50", "p"]


def keys(
    strategies: tuple[str, ...] = tuple(STRATEGIES),
    targets: tuple[str, ...] = TARGETS,
    seeds: range = range(max(STRATEGIES.values())),
) -> Iterator[Key]:
    """Yield runs, of each strategy no more than it is to have."""
    for name, seed, target in product(strategies, seeds, targets):
        if seed < STRATEGIES[name]:
            yield name, target, seed, 50 if name in ONLY_AT_50 else max(BUDGETS)


def measure(strategy: str, target: str, seed: int, budget: int) -> SearchRun:
    return search_once(strategy, target, budget=budget, seed=seed)


def tables(rows: list[SearchRun]) -> Lines:
    """Regrets by target, and the peers of which only means are known."""
    standings = {
        (each.target, each.strategy, each.evaluations): each
        for each in search_standings(regrets(rows, BUDGETS))
    }
    with (HERE / "peers.csv").open(newline="") as file:
        peers = list(csv.DictReader(file))
    for target in TARGETS:
        yield f"\n### `{target}`"
        body = []
        for name in STRATEGIES:
            found = [standings.get((target, name, budget)) for budget in BUDGETS]
            if any(each is not None and each.n >= LEAST for each in found):
                body.append(_ours(name, found))
        yield from table([None, *HEADS], body + [_peer(p) for p in peers if p["target"] == target])


def _ours(name: str, found: list[SearchStanding | None]) -> list[object]:
    at_50, at_100 = found[1], found[2]
    cells = [f"{s.regret:.4f} ± {s.regret_sd:.4f}" if s else "-" for s in found]
    cells += [f"{s.found_best:.0%}" if s else "" for s in (at_50, at_100)]
    if name == "default" or at_50 is None or not at_50.paired:
        cells += ["", ""]
    else:
        cells += [f"{at_50.difference:+.4f}", f"{at_50.p_value:.1g}"]
    n = next(s.n for s in found if s is not None)
    return [f"**{name}**" if name in OURS else name, n, *cells]


def _peer(row: dict[str, str]) -> list[object]:
    names = ("runs", *(f"regret_{budget}" for budget in BUDGETS))
    return [row["peer"], *(row[name] or "-" for name in names), *[None] * 4]


def plot(rows: list[SearchRun], path: Path) -> None:
    write_regret_figure(path, [row for row in rows if row.strategy in DRAWN])


experiment = Experiment(
    __doc__,
    HERE / "runs.csv",
    SearchRun,
    keys,
    measure,
    tables,
    {"regret.png": plot},
    smoke={
        "strategies": ["default", "random", "optuna-random"],
        "targets": TARGETS[:1],
        "seeds": [0],
    },
    order=lambda run: run.key,
)

if __name__ == "__main__":
    experiment.main()

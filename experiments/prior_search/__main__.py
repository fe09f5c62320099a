"""How much sooner does a search that knows others find the best cell, and what if it errs?"""

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np

from experiments.frame import Experiment, Key, Lines, Number
from experiments.markdown import NOTHING, mean, table
from experiments.prior.known import BENCHMARKS, COLD, fit_prior, known_targets, table_of
from surrobust.benchmark import TARGETS
from surrobust.processes.trend import KnownTargets
from surrobust.sessions import make_search
from surrobust.typing import FloatArray

LEFT_OUT = ("images", "benchmark", COLD, "target")
BUDGETS = (5, 10, 20, 50)
SPENT = {"images": 20, "target": 20, "benchmark": 50, COLD: 50}
"""Evaluations of a run."""
PRIORS = {"images": 5, "benchmark": 2, "target": 1}
"""How many predictors are fitted for each; run s searches with the one of seed s modulo this."""

Regret = Annotated[Number, ".6f", ""]


@dataclass(frozen=True)
class Row:
    left_out: str
    target: str
    seed: int
    regret_5: Regret
    regret_10: Regret
    regret_20: Regret
    regret_50: Regret
    found_at: Annotated[Number, ".0f", ""]
    seconds: Annotated[float, ".2f"]

    def regret(self, budget: int) -> float:
        return getattr(self, f"regret_{budget}")


Runs = dict[tuple[str, str], dict[int, Row]]
"""By what is left out and target: by seed."""


def keys(left_out=LEFT_OUT, targets=TARGETS, runs=50) -> Iterator[Key]:
    for name in left_out:
        priors = PRIORS.get(name, 1)
        for fold, target in product(range(priors), targets):
            yield from ((name, target, seed) for seed in range(fold, runs, priors))


def measure(left_out: str, target: str, seed: int, *, known_cells: int = 5000) -> Row:
    """Run one search on a table; a prior is fitted to 5000 cells of 6466."""
    prior = None
    if left_out != COLD:
        known = known_targets(left_out, target)
        prior = KnownTargets.of(fit_prior(known, known_cells, seed % PRIORS[left_out]), [target])
    table = table_of(target)
    values = table.values(target)
    start = time.process_time()
    search = make_search("default", seed=seed, prior=prior)
    regret = np.zeros(SPENT[left_out])  # also from the best cell on, where the search is stopped
    best = -np.inf
    for trial in range(len(regret)):
        (cell,) = search.ask()
        search.tell(cell, value := table.query(cell, target))
        best = max(best, value)
        regret[trial] = values.max() - best
        if best == values.max():
            break
    seconds = time.process_time() - start
    found = np.flatnonzero(regret == 0)
    regrets = (regret[b - 1] if b <= len(regret) else np.nan for b in BUDGETS)
    found_at = 1 + found[0] if len(found) else np.nan
    return Row(left_out, target, seed, *map(Number, (*regrets, found_at)), seconds)


def tables(rows: list[Row]) -> Lines:
    """The regret beside that of the cold start by benchmark; all regrets by target."""
    runs = defaultdict(dict)
    for row in rows:
        runs[row.left_out, row.target][row.seed] = row
    heads = ["prior leaves out", "runs of priors", "budget", "regret", "cold", "ratio"]
    body = (
        beside_cold(runs, home, name, budget)
        for home, name, budget in product(BENCHMARKS, PRIORS, BUDGETS)
    )
    yield from table(["targets", *heads, "difference ± se"], filter(None, body))
    heads = ["prior leaves out", "runs (priors)", *(f"regret {b}" for b in BUDGETS)]
    for target in TARGETS:
        yield f"\n### `{target}`"
        body = ([*regrets(name, runs[name, target])] for name in LEFT_OUT)
        yield from table([*heads, "found 5", *BUDGETS[1:]], body)


def beside_cold(runs: Runs, home: str, left_out: str, budget: int) -> list[object]:
    """Return a line if there are pairs for each target."""
    mine = [t for t in TARGETS if t.startswith(home)]
    each = [pairs(runs[left_out, t], runs[COLD, t], budget) for t in mine]
    if any(len(found) < 2 for found in each):
        return []
    warm, cold = (np.mean([found[:, i].mean() for found in each]) for i in (0, 1))
    ratio = f"{warm / cold:.2f}" if cold > 0 else NOTHING
    difference = f"{warm - cold:+.4f} ± {standard_error(each, PRIORS[left_out])}"
    n = f"{len(each[0])} of {PRIORS[left_out]}"
    return [home, left_out, n, budget, f"{warm:.4f}", f"{cold:.4f}", ratio, difference]


def pairs(warm: dict[int, Row], cold: dict[int, Row], budget: int) -> FloatArray:
    """Return the regrets of runs with the same seed, by ascending seed, ``(n, 2)``."""
    both = [(warm[s].regret(budget), cold[s].regret(budget)) for s in sorted(warm) if s in cold]
    found = np.array(both).reshape(-1, 2)
    return found[~np.isnan(found).any(axis=1)]


def standard_error(each: list[FloatArray], priors: int) -> str:
    """Return the error of the mean difference over targets; of one prior there is none.

    Runs with one prior are not independent, and two priors may agree by chance: the larger of the
    errors of the priors' own means and of all runs.
    """
    if priors < 2:
        return NOTHING
    variance = 0.0
    for found in each:
        gains = found[:, 0] - found[:, 1]
        of_priors = [gains[prior::priors].mean() for prior in range(priors)]
        variance += max(np.var(x, ddof=1) / len(x) for x in (of_priors, gains))
    return f"{np.sqrt(variance) / len(each):.4f}"


def regrets(left_out: str, rows: dict[int, Row]) -> Iterator[object]:
    """Yield a line: regrets, and the share of runs that had found the best cell."""
    yield "no prior" if left_out == COLD else left_out
    yield len(rows) if left_out == COLD else f"{len(rows)} ({PRIORS[left_out]})"
    for budget in BUDGETS:
        found = [row.regret(budget) for row in rows.values() if row.regret(budget) >= 0]
        yield mean(found, 4)
    for budget in BUDGETS:
        hits = [row.found_at <= budget for row in rows.values()]
        yield f"{np.mean(hits):.0%}" if hits and budget <= SPENT[left_out] else NOTHING


SMOKE = {"left_out": ["images"], "targets": TARGETS[:1], "runs": 1, "known_cells": 300}
experiment = Experiment(
    __doc__, Path(__file__).with_name("results.csv"), Row, keys, measure, tables, smoke=SMOKE
)

if __name__ == "__main__":
    experiment.main()

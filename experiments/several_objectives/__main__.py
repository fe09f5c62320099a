"""How much hypervolume do searches for several objectives find in 20, 50 and 100 evaluations?"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np

from experiments.frame import Experiment, Key, Lines
from experiments.markdown import mean, table
from surrobust._optuna import quiet_optuna
from surrobust.metrics import hypervolume, non_dominated
from surrobust.objectives.sources import known_values
from surrobust.searches import Goals, run
from surrobust.sessions import make_search
from surrobust.spaces import EDGES, OPS, Architecture, NASBench201
from surrobust.tables import load_table
from surrobust.targets import Target, is_known_beforehand, is_maximised

ROBUST, DEVICES = "nas-robbench-201/cifar10/pgd-8", "hw-nas-bench/cifar10"
PROBLEMS = {
    "pgd-8 x raspi4-latency": (ROBUST, f"{DEVICES}/raspi4-latency"),
    "pgd-8 x params": (ROBUST, "params"),
    "pgd-8 x clean": (ROBUST, "nas-robbench-201/cifar10/clean"),
    "jung2023 pgd-1 x edgegpu-energy": ("jung2023/cifar10/pgd-1", f"{DEVICES}/edgegpu-energy"),
    "pgd-8 x raspi4-latency x params": (ROBUST, f"{DEVICES}/raspi4-latency", "params"),
}
MAIN = next(iter(PROBLEMS))
BUDGETS = (20, 50, 100)

Points = np.ndarray
"""One row per evaluation, one column per objective, higher is better."""


@dataclass(frozen=True)
class Row:
    problem: str
    searcher: str
    seed: int
    share_20: Annotated[float, ".6f"]
    share_50: Annotated[float, ".6f"]
    share_100: Annotated[float, ".6f"]
    seconds: Annotated[float, ".2f"]


@cache
def values_of(problem: str) -> dict[Architecture, np.ndarray]:
    """Return the objectives of every representative, all to be maximised."""
    columns = []
    cells = NASBench201().representatives()
    for quantity in PROBLEMS[problem]:
        if is_known_beforehand(quantity):
            known = known_values(quantity, "table", strict=True)
            column = np.array([known[cell] for cell in cells])
        else:
            known = load_table(Target.parse(quantity).benchmark)
            column = np.array([known.query(cell, quantity) for cell in cells])
        columns.append(column if is_maximised(quantity) else -column)
    return dict(zip(cells, np.stack(columns, axis=1), strict=True))


@cache
def yardstick(problem: str) -> tuple[np.ndarray, float]:
    """Return the reference point and the hypervolume of the whole table's front."""
    everything = np.array(list(values_of(problem).values()))
    reference = everything.min(axis=0)
    return reference, hypervolume(everything[non_dominated(everything)], reference)


def ours(name: str, *, knows: bool) -> Callable[[str, int], Points]:
    """Return a strategy of ours; ``knows`` lets it see beforehand what needs no training."""

    def search(problem: str, seed: int) -> Points:
        values = values_of(problem)
        goals = Goals((True,) * len(PROBLEMS[problem]))
        known = {
            j: {cell: float(row[j]) for cell, row in values.items()}
            for j, quantity in enumerate(PROBLEMS[problem])
            if knows and is_known_beforehand(quantity)
        }
        strategy = make_search(name, seed=seed, goals=goals, known=known)
        done = run(strategy, values.__getitem__, budget=max(BUDGETS), source="table", goals=goals)
        return goals.points(done)

    return search


def optuna_sampler(name: str, **options: object) -> Callable[[str, int], Points]:
    """Return a sampler of Optuna's on six categorical parameters, all 15625 cells."""

    def search(problem: str, seed: int) -> Points:
        import optuna

        values, names = values_of(problem), [f"{a}->{b}" for a, b in EDGES]
        with quiet_optuna():
            sampler = getattr(optuna.samplers, name)(seed=seed, **options)
            directions = ["maximize"] * len(PROBLEMS[problem])
            study = optuna.create_study(directions=directions, sampler=sampler)

            def objective(trial: "optuna.Trial") -> list[float]:
                chosen = [trial.suggest_categorical(edge, OPS) for edge in names]
                cell = Architecture(tuple(OPS.index(op) for op in chosen))
                return values[cell.representative].tolist()

            study.optimize(objective, n_trials=max(BUDGETS))
        return np.array([trial.values for trial in study.trials])

    return search


KNOWING, LEARNING = "pareto", "pareto, nothing known beforehand"
SEARCHERS = {
    KNOWING: ours("pareto", knows=True),
    LEARNING: ours("pareto", knows=False),
    "nsga2": ours("nsga2", knows=False),
    "random": ours("random", knows=False),
    "optuna/NSGAIISampler": optuna_sampler("NSGAIISampler"),
    "optuna/NSGAIISampler(population_size=10)": optuna_sampler("NSGAIISampler", population_size=10),
    "optuna/TPESampler": optuna_sampler("TPESampler"),
    "optuna/RandomSampler": optuna_sampler("RandomSampler"),
}
PEERS = tuple(name for name in SEARCHERS if name.startswith("optuna"))


def keys(
    problems: tuple[str, ...] = tuple(PROBLEMS),
    searchers: tuple[str, ...] = tuple(SEARCHERS),
    runs: int = 50,
    other_runs: int = 10,
) -> Iterator[Key]:
    """Yield so many runs of the first problem and of each of the others."""
    for problem, searcher in product(problems, searchers):
        if searcher == KNOWING and not any(map(is_known_beforehand, PROBLEMS[problem])):
            continue  # the same as the one that learns
        if searcher == LEARNING and problem.endswith("params"):
            continue  # nobody has to learn what can be counted
        for seed in range(runs if problem == MAIN else other_runs):
            yield problem, searcher, seed


def measure(problem: str, searcher: str, seed: int) -> Row:
    """Run one search for 100 evaluations."""
    reference, whole = yardstick(problem)
    start = time.perf_counter()
    points = SEARCHERS[searcher](problem, seed)
    seconds = time.perf_counter() - start
    shares = (hypervolume(points[:budget], reference) / whole for budget in BUDGETS)
    return Row(problem, searcher, seed, *shares, seconds)


def by_problem(rows: list[Row]) -> dict[str, dict[str, np.ndarray]]:
    """Return, by problem and searcher, the shares ``(runs, budgets)`` in the order of seeds."""
    found: dict[str, dict[str, list[list[float]]]] = defaultdict(lambda: defaultdict(list))
    for row in sorted(rows, key=place):
        shares = [row.share_20, row.share_50, row.share_100]
        found[row.problem][row.searcher].append(shares)
    return {
        problem: {name: np.array(shares) for name, shares in searchers.items()}
        for problem, searchers in found.items()
    }


def place(row: Row) -> tuple[int, int, int]:
    return list(PROBLEMS).index(row.problem), list(SEARCHERS).index(row.searcher), row.seed


def tables(rows: list[Row]) -> Lines:
    """Shares of the hypervolume by problem, and how far ahead of the peers ours are."""
    for problem, found in by_problem(rows).items():
        yield f"\n### {problem}"
        yield from table(
            [None, "runs", *BUDGETS],
            (
                [f"**{name}**", len(shares), *(mean(s, 4) for s in shares.T)]
                for name, shares in found.items()
            ),
        )
        peers = [name for name in PEERS if name in found]
        mine = [name for name in (KNOWING, LEARNING, "nsga2") if name in found]
        if peers:
            yield ""
            yield from table(
                ["ahead at 100 by", *peers],
                (
                    [f"**{name}**", *(ahead(found[name], found[peer]) for peer in peers)]
                    for name in mine
                ),
            )


def ahead(mine: np.ndarray, theirs: np.ndarray) -> str:
    """Return the mean difference, paired by seed, and the p-values of two paired tests."""
    from scipy.stats import ttest_rel, wilcoxon

    n = min(len(mine), len(theirs))
    a, b = mine[:n, -1], theirs[:n, -1]
    p = ttest_rel(a, b).pvalue, wilcoxon(a - b).pvalue
    told = f"{(a - b).mean():+.4f}, {np.sum(a > b)} of {n} seeds"
    return f"{told}; p {p[0]:.0e} (t), {p[1]:.0e} (Wilcoxon)"


def plot(rows: list[Row], path: Path) -> None:
    from matplotlib.figure import Figure

    found = by_problem(rows)
    figure = Figure(figsize=(4 * len(found), 3.6))
    axes = figure.subplots(1, len(found), squeeze=False)
    for axis, (problem, shares) in zip(axes[0], found.items(), strict=True):
        for name, one in shares.items():
            axis.plot(BUDGETS, 1 - one.mean(axis=0), "o-", label=name, linewidth=1, markersize=3)
        axis.set(title=problem, xlabel="evaluations", yscale="log", xticks=BUDGETS)
    axes[0, 0].set_ylabel("hypervolume that is missing, share")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncol=4, fontsize=8, frameon=False)
    figure.tight_layout(rect=(0, 0.12, 1, 1))
    figure.savefig(path, dpi=70)


experiment = Experiment(
    __doc__,
    Path(__file__).with_name("results.csv"),
    Row,
    keys,
    measure,
    tables,
    {"hypervolume.png": plot},
    smoke={
        "problems": [MAIN],
        "searchers": [KNOWING, "optuna/RandomSampler"],
        "runs": 2,
    },
    order=place,
)

if __name__ == "__main__":
    experiment.main()

"""How much hypervolume do searches for several objectives find in 20, 50 and 100 evaluations?

    python experiments/several_objectives/run.py            # everything, resumable
    python experiments/several_objectives/run.py --smoke    # one run of each searcher, no file
    python experiments/several_objectives/run.py --report   # only README's tables and the figure

Reads the tables as the package does (``--data-dir``, ``SURROBUST_DATA``, per-user cache); appends
one row to ``results.csv`` after every run.
"""

import argparse
import csv
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np

from surrobust._optuna import quiet_optuna
from surrobust.metrics import hypervolume, non_dominated
from surrobust.objectives.sources import known_values
from surrobust.searches import Goals, run
from surrobust.sessions import make_search
from surrobust.spaces import EDGES, OPS, Architecture, NASBench201
from surrobust.tables import load_table
from surrobust.targets import Target, is_known_beforehand, is_maximised

HERE = Path(__file__).parent
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
COLUMNS = ("problem", "searcher", "seed", *(f"share_{b}" for b in BUDGETS), "seconds")
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"

Points = np.ndarray
"""One row per evaluation, one column per objective, higher is better."""


@cache
def values_of(problem: str, data_dir: str | None) -> dict[Architecture, np.ndarray]:
    """Return the objectives of every representative, all to be maximised."""
    columns = []
    cells = NASBench201().representatives()
    for quantity in PROBLEMS[problem]:
        if is_known_beforehand(quantity):
            known = known_values(quantity, "table", strict=True, data_dir=data_dir)
            column = np.array([known[cell] for cell in cells])
        else:
            table = load_table(Target.parse(quantity).benchmark, data_dir=data_dir)
            column = np.array([table.query(cell, quantity) for cell in cells])
        columns.append(column if is_maximised(quantity) else -column)
    return dict(zip(cells, np.stack(columns, axis=1), strict=True))


@cache
def yardstick(problem: str, data_dir: str | None) -> tuple[np.ndarray, float]:
    """Return the reference point and the hypervolume of the whole table's front."""
    everything = np.array(list(values_of(problem, data_dir).values()))
    reference = everything.min(axis=0)
    return reference, hypervolume(everything[non_dominated(everything)], reference)


def ours(name: str, *, knows: bool) -> Callable[[str, int, str | None], Points]:
    """Return a strategy of ours; ``knows`` lets it see beforehand what needs no training."""

    def search(problem: str, seed: int, data_dir: str | None) -> Points:
        values = values_of(problem, data_dir)
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


def optuna_sampler(name: str, **options: object) -> Callable[[str, int, str | None], Points]:
    """Return a sampler of Optuna's on six categorical parameters, all 15625 cells."""

    def search(problem: str, seed: int, data_dir: str | None) -> Points:
        import optuna

        values, names = values_of(problem, data_dir), [f"{a}->{b}" for a, b in EDGES]
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=50, help="of the first problem")
    parser.add_argument("--other-runs", type=int, default=10, help="of each of the others")
    parser.add_argument("--problems", nargs="+", default=list(PROBLEMS))
    parser.add_argument("--searchers", nargs="+", default=list(SEARCHERS))
    parser.add_argument("--data-dir")
    parser.add_argument("--out", type=Path, default=HERE / "results.csv")
    parser.add_argument("--smoke", action="store_true", help="one run of each searcher, no file")
    parser.add_argument("--report", action="store_true", help="only the tables and the figure")
    args = parser.parse_args()
    if args.smoke:
        for name in args.searchers:
            print(search_once(MAIN, name, 0, args.data_dir))
        return
    if not args.report:
        _run_all(args)
    rows = _read(args.out)
    _report(rows)
    _draw(rows)


def search_once(problem: str, searcher: str, seed: int, data_dir: str | None) -> dict[str, object]:
    """Run one search for 100 evaluations and return its row."""
    reference, whole = yardstick(problem, data_dir)
    start = time.perf_counter()
    points = SEARCHERS[searcher](problem, seed, data_dir)
    seconds = time.perf_counter() - start
    row: dict[str, object] = {"problem": problem, "searcher": searcher, "seed": seed}
    for budget in BUDGETS:
        row[f"share_{budget}"] = f"{hypervolume(points[:budget], reference) / whole:.6f}"
    return row | {"seconds": f"{seconds:.2f}"}


def _wanted(args: argparse.Namespace) -> Iterator[tuple[str, str, int]]:
    for problem in args.problems:
        runs = args.runs if problem == MAIN else args.other_runs
        for searcher in args.searchers:
            nothing_known = not any(map(is_known_beforehand, PROBLEMS[problem]))
            if searcher == KNOWING and nothing_known:
                continue  # the same as the one that learns
            if searcher == LEARNING and problem.endswith("params"):
                continue  # nobody has to learn what can be counted
            yield from ((problem, searcher, seed) for seed in range(runs))


def _run_all(args: argparse.Namespace) -> None:
    known = {_key(row) for row in _read(args.out)} if args.out.exists() else set()
    todo = [key for key in _wanted(args) if key not in known]
    new = not args.out.exists()
    with args.out.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        for done, key in enumerate(todo, start=1):
            row = search_once(*key, args.data_dir)
            writer.writerow(row)
            file.flush()
            told = f"[{done}/{len(todo)}] {row['problem']} {row['searcher']} seed={row['seed']}"
            print(f"{told}: {row['share_100']}", file=sys.stderr, flush=True)


def _key(row: dict[str, str]) -> tuple[str, str, int]:
    return row["problem"], row["searcher"], int(row["seed"])


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _shares(rows: list[dict[str, str]]) -> dict[str, dict[str, np.ndarray]]:
    """Return, by problem and searcher, the shares ``(runs, budgets)`` in the order of seeds."""
    groups: dict[str, dict[str, list[list[float]]]] = defaultdict(lambda: defaultdict(list))
    for row in sorted(rows, key=_key):
        shares = [float(row[f"share_{b}"]) for b in BUDGETS]
        groups[row["problem"]][row["searcher"]].append(shares)
    return {
        problem: {
            name: np.array(groups[problem][name]) for name in SEARCHERS if groups[problem][name]
        }
        for problem in PROBLEMS
        if problem in groups
    }


def _report(rows: list[dict[str, str]]) -> None:
    lines = []
    for problem, found in _shares(rows).items():
        lines += [f"\n### {problem}", "| | runs | 20 | 50 | 100 |", "|---" * 5 + "|"]
        for name, shares in found.items():
            cells = [f"{s.mean():.4f} ± {s.std(ddof=1):.4f}" for s in shares.T]
            lines.append(f"| **{name}** | {len(shares)} | " + " | ".join(cells) + " |")
        peers = [name for name in PEERS if name in found]
        if peers:
            lines += ["", "| ahead at 100 by | " + " | ".join(peers) + " |"]
            lines.append("|---" * (1 + len(peers)) + "|")
        for name in [name for name in (KNOWING, LEARNING, "nsga2") if name in found and peers]:
            gaps = [_compare(found[name][:, -1], found[peer][:, -1]) for peer in peers]
            lines.append(f"| **{name}** | " + " | ".join(gaps) + " |")
    readme = HERE / "README.md"
    text = readme.read_text()
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    readme.write_text(before + BEGIN + "\n".join(lines) + "\n" + END + after)


def _compare(mine: np.ndarray, theirs: np.ndarray) -> str:
    """Return the mean difference, paired by seed, and the p-values of two paired tests."""
    from scipy.stats import ttest_rel, wilcoxon

    n = min(len(mine), len(theirs))
    gap = mine[:n] - theirs[:n]
    p = ttest_rel(mine[:n], theirs[:n]).pvalue, wilcoxon(gap).pvalue
    told = f"{gap.mean():+.4f}, {np.sum(gap > 0)} of {n} seeds"
    return f"{told}; p {p[0]:.0e} (t), {p[1]:.0e} (Wilcoxon)"


def _draw(rows: list[dict[str, str]]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    found = _shares(rows)
    figure, axes = plt.subplots(1, len(found), figsize=(4 * len(found), 3.6), squeeze=False)
    for axis, (problem, shares) in zip(axes[0], found.items(), strict=True):
        for name, one in shares.items():
            axis.plot(BUDGETS, 1 - one.mean(axis=0), "o-", label=name, linewidth=1, markersize=3)
        axis.set(title=problem, xlabel="evaluations", yscale="log", xticks=BUDGETS)
    axes[0, 0].set_ylabel("hypervolume that is missing, share")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncol=4, fontsize=8, frameon=False)
    figure.tight_layout(rect=(0, 0.12, 1, 1))
    figure.savefig(HERE / "hypervolume.png", dpi=70)


if __name__ == "__main__":
    main()

"""Zero-cost search: how well do proxies rank, alone and combined, and what does a budget add?

    python experiments/zero_cost/run.py              # everything
    python experiments/zero_cost/run.py --smoke      # seconds, writes nothing
    python experiments/zero_cost/run.py --report     # only README's tables from the csv files

Reads the tables and the published proxy columns as the package does (``--data-dir``,
``SURROBUST_DATA``, per-user cache). Writes ``correlations.csv``, ``pools.csv`` and
``warm_start.csv``, each when it is complete.
"""

import argparse
import csv
import io
import sys
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from surrobust._files import write_text
from surrobust.benchmark import TARGETS
from surrobust.objectives import make_search
from surrobust.objectives.scores import (
    combination_key,
    fit_combination,
    training_targets,
    zero_cost_scores,
)
from surrobust.searches import ZeroCostSearch, run
from surrobust.spaces import NASBench201, count_parameters
from surrobust.tables import load_proxy_columns, load_table

HERE = Path(__file__).parent
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
SPLITS, POOLS, POOL_SEEDS, BUDGETS = 5, (250, 500, 1000, 2000), 50, (0, 10, 20, 50)
WARM, RUNS, WARM_BUDGETS = (0, 5, 10), 20, (10, 20, 50)
PUBLISHED = {  # SynFlow-guided genetic algorithm, 3000 proxy evaluations; RobustNasBench
    "nas-robbench-201/cifar10/pgd-8": 0.4737,
    "nas-robbench-201/cifar10/autoattack-8": 0.4348,
    "nas-robbench-201/cifar100/pgd-8": 0.2354,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir")
    parser.add_argument("--parts", nargs="+", default=["correlations", "pools", "warm_start"])
    parser.add_argument("--smoke", action="store_true", help="one split, pool and run; no file")
    parser.add_argument("--report", action="store_true", help="only write the tables")
    args = parser.parse_args()
    parts = {"correlations": correlations, "pools": pools, "warm_start": warm_start}
    if not args.report:
        data = Data(args.data_dir)
        for name in args.parts:
            rows = parts[name](data, small=args.smoke)
            if args.smoke:
                print(name, rows[:2])
            else:
                _write(HERE / f"{name}.csv", rows)
    if not args.smoke:
        _report()


class Data:
    """The representatives that have all published scores, and what was measured of them."""

    def __init__(self, data_dir: str | None) -> None:
        names, scores = load_proxy_columns(data_dir=data_dir)
        benchmarks = sorted({str(target).split("/")[0] for target in TARGETS})
        self.tables = {name: load_table(name, data_dir=data_dir) for name in benchmarks}
        cells = list(next(iter(self.tables.values())).architectures)
        every = scores[[cell.index for cell in cells]]
        kept = np.isfinite(every).all(axis=1)
        self.columns, self.numbers = list(names), every[kept]
        self.cells = [cell for cell, keep in zip(cells, kept, strict=True) if keep]
        self.values = {
            target: table.values(target)[kept]
            for table in self.tables.values()
            for target in table.targets
        }
        self.best = {t: float(self.tables[t.split("/")[0]].values(t).max()) for t in TARGETS}

    def combine(self, target: str, rows: np.ndarray) -> np.ndarray:
        """Return scores of all cells by a combination fitted on ``rows`` and other image sets."""
        key = combination_key(target)
        known = {name: self.values[name][rows] for name in training_targets(key)}
        return fit_combination(key, self.columns, self.numbers[rows], known).score(self.numbers)


def correlations(data: Data, *, small: bool) -> list[dict]:
    """Spearman of each proxy with each target; of the combination on the half not fitted on."""
    rows = []
    n = len(data.cells)
    for target in TARGETS:
        y = data.values[target]
        for seed in range(1 if small else SPLITS):
            order = np.random.default_rng(seed).permutation(n)
            fitted, held_out = order[: n // 2], order[n // 2 :]
            scores = {name: data.numbers[:, j] for j, name in enumerate(data.columns)}
            scores["combination"] = data.combine(target, fitted)
            for name, score in scores.items():
                rho = spearmanr(score[held_out], y[held_out]).statistic
                rows.append(
                    {"proxy": name, "target": target, "seed": seed, "n": len(held_out)}
                    | {"spearman": f"{rho:.4f}"}
                )
        print(f"correlations: {target}", file=sys.stderr, flush=True)
    return rows


def pools(data: Data, *, small: bool) -> list[dict]:
    """Best value after a budget, spent from the top of a random pool of scored cells."""
    rows = []
    space, n = NASBench201(), len(data.cells)
    synflow = data.columns.index("synflow")
    params = np.array([count_parameters(cell) for cell in data.cells], float)
    for target in TARGETS[:1] if small else TARGETS:
        y = data.values[target]
        for size in POOLS[:1] if small else POOLS:
            for seed in range(1 if small else POOL_SEEDS):
                pool = np.random.default_rng(1000 + seed).permutation(n)[:size]
                ways = {
                    "combination": data.combine(target, pool)[pool],
                    "synflow": data.numbers[pool, synflow],
                    "params": params[pool],
                }
                for way, scores in ways.items():
                    cells = [data.cells[i] for i in pool]
                    known = dict(zip(cells, map(float, scores), strict=True))
                    search = ZeroCostSearch(space, scores=known, candidates=cells, seed=seed)
                    value = dict(zip(cells, y[pool], strict=True))
                    asked = [value[cell] for cell in search.ask(max(BUDGETS))]
                    row = {"way": way, "target": target, "pool": size, "seed": seed}
                    for budget in BUDGETS:  # with no evaluation, the first of the ranking
                        row[f"best_{budget}"] = f"{max(asked[: max(budget, 1)]):.6f}"
                    rows.append(row)
        print(f"pools: {target}", file=sys.stderr, flush=True)
    return rows


def warm_start(data: Data, *, small: bool) -> list[dict]:
    """Regret of ``default`` whose first evaluations are the best by the shipped scores."""
    rows = []
    for target in TARGETS[:1] if small else TARGETS:
        table = data.tables[target.split("/")[0]]
        ranking = ZeroCostSearch(NASBench201(), scores=zero_cost_scores(target)).ranking(max(WARM))
        for seed in range(1 if small else RUNS):
            for warm in WARM:
                search = make_search("default", seed=seed)
                search.enqueue(ranking[:warm])
                evaluations = run(
                    search,
                    lambda cell, table=table, target=target: table.query(cell, target),
                    budget=WARM_BUDGETS[0] if small else max(WARM_BUDGETS),
                    source="table",
                )
                found = np.maximum.accumulate([e.value for e in evaluations])
                row = {"warm": warm, "target": target, "seed": seed}
                for budget in WARM_BUDGETS[:1] if small else WARM_BUDGETS:
                    row[f"regret_{budget}"] = f"{data.best[target] - found[budget - 1]:.6f}"
                rows.append(row)
        print(f"warm start: {target}", file=sys.stderr, flush=True)
    return rows


def _write(path: Path, rows: list[dict]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def _read(name: str) -> list[dict]:
    path = HERE / f"{name}.csv"
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _cell(values: list[float], digits: int = 4) -> str:
    if not values:
        return "–"
    return f"{np.mean(values):.{digits}f} ± {np.std(values, ddof=1):.{digits}f}"


def _report() -> None:
    lines = [*_correlation_lines(), *_pool_lines(), *_warm_lines()]
    readme = HERE / "README.md"
    text = readme.read_text()
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    write_text(readme, head + BEGIN + "\n" + "\n".join(lines) + "\n" + END + tail)


def _short(target: str) -> str:
    benchmark, images, metric = target.split("/")
    return f"{'R' if benchmark.startswith('nas') else 'J'} {images} {metric}"


def _table(header: list[str], body: list[list[str]]) -> list[str]:
    rows = [header, ["---"] * len(header), *body]
    return ["| " + " | ".join(row) + " |" for row in rows]


def _correlation_lines() -> list[str]:
    rows = _read("correlations")
    if not rows:
        return []
    names = list(dict.fromkeys(row["proxy"] for row in rows))
    order = ["params", "combination", *(n for n in names if n not in ("params", "combination"))]
    body = []
    for name in order:
        cells = []
        for target in TARGETS:
            picked = [
                float(r["spearman"]) for r in rows if r["proxy"] == name and r["target"] == target
            ]
            cells.append(_cell(picked, 3))
        body.append([f"**{name}**" if name == "combination" else name, *cells])
    title = f"Spearman with measured values, held-out half (n = {rows[0]['n']}), {SPLITS} splits:"
    return [title, "", *_table(["", *map(_short, TARGETS)], body), ""]


def _pool_lines() -> list[str]:
    rows = _read("pools")
    if not rows:
        return []
    lines = [f"Best value after a budget, mean ± sd of {POOL_SEEDS} random pools:", ""]
    body = []
    for target in TARGETS:
        for way in ("combination", "synflow", "params"):
            for size in POOLS:
                picked = [
                    r
                    for r in rows
                    if (r["way"], r["target"], r["pool"]) == (way, target, str(size))
                ]
                cells = [_cell([float(r[f"best_{b}"]) for r in picked]) for b in BUDGETS]
                known = f"{PUBLISHED[target]:.4f}" if target in PUBLISHED else "–"
                body.append([_short(target), way, str(size), *cells, known])
    header = ["target", "ranked by", "proxy evaluations", *(f"budget {b}" for b in BUDGETS)]
    return lines + _table([*header, "published, 3000"], body) + [""]


def _warm_lines() -> list[str]:
    rows = _read("warm_start")
    if not rows:
        return []
    lines = [f"Regret of `default`, mean ± sd of {RUNS} runs:", ""]
    body = []
    for target in TARGETS:
        for warm in WARM:
            picked = [r for r in rows if (r["target"], r["warm"]) == (target, str(warm))]
            cells = [_cell([float(r[f"regret_{b}"]) for r in picked]) for b in WARM_BUDGETS]
            body.append([_short(target), str(warm), *cells])
    header = ["target", "first from the ranking", *(f"after {b}" for b in WARM_BUDGETS)]
    return lines + _table(header, body)


if __name__ == "__main__":
    main()

"""Zero-cost search: how well do proxies rank, alone and combined, and what does a budget add?

    python experiments/zero_cost/run.py              # everything, resumable target by target
    python experiments/zero_cost/run.py --smoke      # seconds, writes nothing
    python experiments/zero_cost/run.py --report     # only README's tables from the csv files

Reads the tables and the published proxy columns as the package does (``--data-dir``,
``SURROBUST_DATA``, per-user cache). Writes ``correlations.csv``, ``pools.csv`` and
``warm_start.csv`` after every target; ``published.csv`` has what others reached.
"""

import argparse
import csv
import io
import itertools
import sys
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from surrobust._files import write_text
from surrobust.benchmark import TARGETS
from surrobust.searches import ZeroCostSearch, run
from surrobust.sessions import make_search
from surrobust.sessions.ranking import (
    combination_key,
    fit_combination,
    training_targets,
    zero_cost_scores,
)
from surrobust.spaces import NASBench201, count_parameters
from surrobust.tables import load_proxy_columns, load_table

HERE = Path(__file__).parent
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
SPLITS, POOLS, POOL_SEEDS, BUDGETS = 5, (250, 500, 1000, 2000), 50, (0, 10, 20, 50)
FITTED = 612
"""Cells that the combinations of pools are fitted on, as many as ship with scores."""
WARM, RUNS, WARM_BUDGETS = (0, 5, 10), 20, (10, 20, 50)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir")
    parser.add_argument("--parts", nargs="+", default=["correlations", "pools", "warm_start"])
    parser.add_argument("--targets", nargs="+", default=list(TARGETS))
    parser.add_argument("--folder", type=Path, default=HERE, help="of the csv files")
    parser.add_argument("--smoke", action="store_true", help="one split, pool and run; no file")
    parser.add_argument("--report", action="store_true", help="only write the tables")
    args = parser.parse_args()
    parts = {"correlations": correlations, "pools": pools, "warm_start": warm_start}
    if args.report:
        _report()
        return
    data = Data(args.data_dir)
    if args.smoke:
        for name in args.parts:
            print(name, parts[name](data, args.targets[0], small=True)[:2])
        return
    for name in args.parts:
        path = args.folder / f"{name}.csv"
        rows = _read(path)
        for target in args.targets:
            if target not in {row["target"] for row in rows}:
                rows += parts[name](data, target, small=False)
                _write(path, sorted(rows, key=lambda row: TARGETS.index(row["target"])))
                print(f"{name}: {target}", file=sys.stderr, flush=True)
    if args.folder == HERE:
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


def correlations(data: Data, target: str, *, small: bool) -> list[dict]:
    """Spearman of each proxy with a target; of the combination on the half not fitted on."""
    rows = []
    n, y = len(data.cells), data.values[target]
    for seed in range(1 if small else SPLITS):
        order = np.random.default_rng(seed).permutation(n)
        fitted, held_out = order[: n // 2], order[n // 2 :]
        scores = {name: data.numbers[:, j] for j, name in enumerate(data.columns)}
        scores["combination"] = data.combine(target, fitted)
        for name, score in scores.items():
            rho = spearmanr(score[held_out], y[held_out]).statistic
            row = {"proxy": name, "target": target, "seed": seed, "n": len(held_out)}
            rows.append(row | {"spearman": f"{rho:.4f}"})
    return rows


def pools(data: Data, target: str, *, small: bool) -> list[dict]:
    """Best value after a budget, spent from the top of a random pool of scored cells.

    The combination is fitted on cells outside of the pool. Last, the scores that ship.
    """
    rows = []
    space, n, y = NASBench201(), len(data.cells), data.values[target]
    synflow = data.columns.index("synflow")
    params = np.array([count_parameters(cell) for cell in data.cells], float)
    for size, seed in itertools.product(POOLS, range(1 if small else POOL_SEEDS)):
        order = np.random.default_rng(1000 + seed).permutation(n)
        pool, others = order[:size], order[size : size + FITTED]
        ways = {
            "combination": data.combine(target, others)[pool],
            "synflow": data.numbers[pool, synflow],
            "params": params[pool],
        }
        cells = [data.cells[i] for i in pool]
        value = dict(zip(cells, y[pool], strict=True))
        for way, scores in ways.items():
            known = dict(zip(cells, map(float, scores), strict=True))
            search = ZeroCostSearch(space, scores=known, candidates=cells, seed=seed)
            asked = [value[cell] for cell in search.ask(max(BUDGETS))]
            row = {"way": way, "target": target, "pool": size, "seed": seed}
            rows.append(row | _best(asked))
    shipped = zero_cost_scores(target)
    table = data.tables[target.split("/")[0]]
    asked = ZeroCostSearch(space, scores=shipped).ask(max(BUDGETS))
    row = {"way": "shipped", "target": target, "pool": len(shipped), "seed": 0}
    return [*rows, row | _best([table.query(cell, target) for cell in asked])]


def _best(asked: list[float]) -> dict[str, str]:
    # With no evaluation, the first of the ranking.
    return {f"best_{b}": f"{max(asked[: max(b, 1)]):.6f}" for b in BUDGETS}


def warm_start(data: Data, target: str, *, small: bool) -> list[dict]:
    """Regret of ``default`` whose first evaluations are the best by the shipped scores."""
    rows = []
    table = data.tables[target.split("/")[0]]
    ranking = ZeroCostSearch(NASBench201(), scores=zero_cost_scores(target)).ranking(max(WARM))
    for seed, warm in itertools.product(range(1 if small else RUNS), WARM):
        search = make_search("default", seed=seed)
        search.enqueue(ranking[:warm])
        evaluations = run(
            search,
            lambda cell: table.query(cell, target),
            budget=max(WARM_BUDGETS),
            source="table",
        )
        found = np.maximum.accumulate([e.value for e in evaluations])
        regrets = {f"regret_{b}": f"{data.best[target] - found[b - 1]:.6f}" for b in WARM_BUDGETS}
        rows.append({"warm": warm, "target": target, "seed": seed} | regrets)
    return rows


def _write(path: Path, rows: list[dict]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def _read(path: Path) -> list[dict]:
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _cell(values: list[float], digits: int = 4) -> str:
    if len(values) < 2:
        return f"{values[0]:.{digits}f}" if values else "–"
    return f"{np.mean(values):.{digits}f} ± {np.std(values, ddof=1):.{digits}f}"


def _report() -> None:
    lines = [*_correlation_lines(), *_pool_lines(), *_warm_lines()]
    readme = HERE / "README.md"
    text = readme.read_text()
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    write_text(readme, head + BEGIN + "\n" + "\n".join(lines) + "\n" + END + tail)
    _draw(_read(HERE / "correlations.csv"), _read(HERE / "warm_start.csv"))


def _draw(correlated: list[dict], warmed: list[dict]) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    places = np.arange(len(TARGETS))
    for i, name in enumerate(("params", "synflow", "combination")):
        rows = [[float(r["spearman"]) for r in correlated if (r["proxy"], r["target"]) == (name, t)]
                for t in TARGETS]  # fmt: skip
        axes[0].bar(places + (i - 1) * 0.27, np.mean(rows, axis=1), 0.25, label=name)
    axes[0].set_ylabel("Spearman, held-out cells")
    for i, warm in enumerate(WARM):
        mine = [[r for r in warmed if (r["warm"], r["target"]) == (str(warm), t)] for t in TARGETS]
        means = [np.mean([float(r["regret_20"]) for r in rows]) for rows in mine]
        axes[1].bar(places + (i - 1) * 0.27, means, 0.25, label=f"{warm} from the ranking first")
    axes[1].set_ylabel("regret of default after 20 evaluations")
    for axis in axes:
        axis.set_xticks(places, map(_short, TARGETS), rotation=40, ha="right", fontsize=8)
        axis.axhline(0, color="grey", linewidth=0.8)
        axis.legend(fontsize=8)
    figure.savefig(HERE / "zero_cost.png", dpi=100)


def _short(target: str) -> str:
    benchmark, images, metric = target.split("/")
    return f"{'R' if benchmark.startswith('nas') else 'J'} {images} {metric}"


def _table(header: list[str], body: list[list[str]]) -> list[str]:
    rows = [header, ["---"] * len(header), *body]
    return ["| " + " | ".join(row) + " |" for row in rows]


def _correlation_lines() -> list[str]:
    rows = _read(HERE / "correlations.csv")
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
    rows = _read(HERE / "pools.csv")
    if not rows:
        return []
    lines = [f"Best value after a budget, mean ± sd of {POOL_SEEDS} random pools:", ""]
    published = {row["target"]: row["value"] for row in _read(HERE / "published.csv")}
    body = []
    for target in TARGETS:
        mine = [r for r in rows if r["target"] == target]
        for way, size in dict.fromkeys((r["way"], r["pool"]) for r in mine):
            picked = [r for r in mine if (r["way"], r["pool"]) == (way, size)]
            cells = [_cell([float(r[f"best_{b}"]) for r in picked]) for b in BUDGETS]
            body.append([_short(target), way, size, *cells, published.get(target, "–")])
    header = ["target", "ranked by", "proxy evaluations", *(f"budget {b}" for b in BUDGETS)]
    return lines + _table([*header, "published, 3000"], body) + [""]


def _warm_lines() -> list[str]:
    rows = _read(HERE / "warm_start.csv")
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

"""R2 beside the published figures, at their training sizes and on their cells.

The published rows are in ``published.csv``. Their thirteen proxies are known of 6284 of the 6466
representatives, so the scores are of those; once more of all.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np

import surrobust as sr
from experiments.frame import Experiment, Key, Lines
from experiments.markdown import NOTHING, mean, table
from surrobust.benchmark import split
from surrobust.encodings import Columns
from surrobust.metrics import kendall_tau, r2_score
from surrobust.tables import load_proxy_columns

HERE = Path(__file__).parent
TARGETS = {
    "nas-robbench-201/cifar10/pgd-8": "RobBench CIFAR-10 PGD 8",
    "nas-robbench-201/cifar10/autoattack-8": "RobBench CIFAR-10 AutoAttack 8",
    "nas-robbench-201/cifar100/pgd-8": "RobBench CIFAR-100 PGD 8",
    "nas-robbench-201/imagenet16-120/pgd-8": "RobBench ImageNet16-120 PGD 8",
    "jung2023/cifar10/clean": "Jung CIFAR-10 clean",
    "jung2023/cifar10/fgsm-1": "Jung CIFAR-10 FGSM 1",
    "jung2023/cifar10/pgd-1": "Jung CIFAR-10 PGD 1",
    "jung2023/cifar10/apgd-ce-1": "Jung CIFAR-10 APGD 1",
    "jung2023/cifar10/square-1": "Jung CIFAR-10 Square 1",
}
SIZES = (32, 128, 1024)
DEFAULT, WITH, FOREST = METHODS = ("default", "default + proxies", "forest, proxies")
FORMS = ("one-hot", "GRAF")
"""Published methods that see the cell alone, as `default` does."""

Found = dict[tuple[str, str, str, int], list[float]]
"""By cells, method, target and N: R2 of each split."""


@dataclass(frozen=True)
class Row:
    cells: str
    method: str
    target: str
    n_train: int
    seed: int
    r2: float
    kendall_tau: float


def keys(targets=tuple(TARGETS), sizes=SIZES, seeds=range(10)) -> Iterator[Key]:
    for n_train, seed, target in product(sizes, seeds, targets):
        yield from (("proxies", method, target, n_train, seed) for method in METHODS)
        yield "all", DEFAULT, target, n_train, seed


@cache
def proxies() -> Columns:
    return Columns.of(*load_proxy_columns())


def measure(cells: str, method: str, target: str, n_train: int, seed: int) -> Row:
    """R2 and Kendall's tau on the held-out cells."""
    table = sr.load_table(sr.Target.parse(target).benchmark)
    there = np.arange(len(table.architectures))
    if cells == "proxies":
        there = np.flatnonzero(~np.isnan(proxies().numbers).any(axis=1))
    train, test = (there[rows] for rows in split(len(there), n_train=n_train, seed=seed))
    y = table.values(target)
    if method == FOREST:
        from sklearn.ensemble import RandomForestRegressor

        forest = RandomForestRegressor(100, random_state=42)
        numbers = proxies().numbers
        predicted = forest.fit(numbers[train], y[train]).predict(numbers[test])
    else:
        options = {"columns": proxies()} if method == WITH else {}
        model = sr.make_predictor("default", seed=seed, calibration_folds=0, **options)
        model.fit([table.architectures[i] for i in train], y[train])
        predicted = model.predict([table.architectures[i] for i in test])
    scores = r2_score(y[test], predicted), kendall_tau(y[test], predicted)
    return Row(cells, method, target, n_train, seed, *scores)


def tables(rows: list[Row]) -> Lines:
    """R2 beside the best published one, and where `default` is ahead."""
    found, published = collect(rows), read_published()
    heads = ["target", "`default`", "with proxies", "forest, proxies (same splits)"]
    heads += ["published: cell alone", "published: any", "ahead of"]
    ahead = []
    for n_train in SIZES:
        body = []
        for target, name in TARGETS.items():
            figures = [found["proxies", method, target, n_train] for method in METHODS]
            alone, every = best(published[target, n_train], FORMS), best(published[target, n_train])
            verdict = judge(*figures, alone[0], every[0])
            ahead.append(verdict.split(";")[0])
            beaten = [f"{value:.3f} ({method})" for value, method in (alone, every)]
            body.append([name, *map(several, figures), *beaten, verdict])
        yield f"\n### {n_train} training cells\n"
        yield from table(heads, body)
    every = ahead.count("all")
    yield (
        f"\nOf {len(ahead)} targets and sizes `default` is ahead of every published method that "
        f"sees the cell alone in {every + ahead.count('cell alone')}, of every one in {every}."
    )
    yield "\n### All 6466 representatives, `default`\n"
    yield from table(
        ["target", *SIZES],
        (
            [name, *(several(found["all", DEFAULT, target, n]) for n in SIZES)]
            for target, name in TARGETS.items()
        ),
    )


def judge(
    own: list[float], both: list[float], forest: list[float], alone: float, every: float
) -> str:
    """Return which published methods `default` is ahead of."""
    if not own:
        return NOTHING
    # The forest on the same splits counts as well: draws differ much at 32 cells.
    top = max([every, float(np.mean(forest))] if forest else [every])
    if np.mean(own) > top:
        return "all"
    verdict = "cell alone" if np.mean(own) > alone else "none"
    return verdict + "; all with proxies" * bool(both and np.mean(both) > top)


def collect(rows: list[Row]) -> Found:
    found = defaultdict(list)
    for row in rows:
        found[row.cells, row.method, row.target, row.n_train].append(row.r2)
    return found


def read_published() -> dict[tuple[str, int], dict[str, float]]:
    """Return R2 by method, by target and N."""
    published = defaultdict(dict)
    with (HERE / "published.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            published[row["target"], int(row["n_train"])][row["method"]] = float(row["r2"])
    return published


def best(rows: dict[str, float], methods: tuple[str, ...] | None = None) -> tuple[float, str]:
    return max((value, method) for method, value in rows.items() if method in (methods or rows))


def several(values: list[float]) -> str:
    return mean(values) if len(values) > 1 else NOTHING


def draw(rows: list[Row], path: Path) -> None:
    from matplotlib.figure import Figure

    found, published = collect(rows), read_published()
    figure = Figure(figsize=(11, 9), layout="constrained")
    panels = figure.subplots(3, 3, sharex=True).ravel()
    for panel, (target, name) in zip(panels, TARGETS.items(), strict=True):
        methods = dict.fromkeys(m for n in SIZES for m in published[target, n])
        for method in methods:
            sizes = [n for n in SIZES if method in published[target, n]]
            values = [published[target, n][method] for n in sizes]
            panel.plot(sizes, values, "x--", linewidth=0.8, label=method)
        for method, colour in ((DEFAULT, "black"), (WITH, "grey")):
            sizes = [n for n in SIZES if len(found["proxies", method, target, n]) > 1]
            each = [found["proxies", method, target, n] for n in sizes]
            panel.errorbar(
                sizes,
                [np.mean(v) for v in each],
                yerr=[np.std(v, ddof=1) for v in each],
                color=colour,
                marker="o",
                capsize=2,
                label=method,
            )
        panel.set_xscale("log")
        panel.set_xticks(SIZES, map(str, SIZES))
        panel.set_xticks([], minor=True)
        panel.set_ylim(-0.25, 1)
        panel.set_title(name, fontsize=9)
    shown = {}
    for panel in panels:
        handles, labels = panel.get_legend_handles_labels()
        for label, handle in zip(labels, handles, strict=True):
            shown.setdefault(label, handle)
    figure.legend(shown.values(), shown.keys(), loc="outside lower center", ncols=7, fontsize=8)
    figure.supxlabel("training cells", fontsize=9)
    figure.supylabel("R2, held out", fontsize=9)
    figure.savefig(path, dpi=90)


SMOKE = {"targets": [*TARGETS][:1], "sizes": [32], "seeds": [0]}
experiment = Experiment(
    __doc__, HERE / "results.csv", Row, keys, measure, tables, {"r2.png": draw}, smoke=SMOKE
)

if __name__ == "__main__":
    experiment.main()

"""Which zero-cost proxies matter, for which accuracy? The study of Lukasik et al. on both tables.

A random forest learns a target from the scores of N cells and is tested on all other cells that
were scored. Once more with the most important proxy alone, without it, and with the parameter
count alone.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np

from experiments.frame import Experiment, Lines
from experiments.markdown import spread, table
from experiments.proxy_study.forests import BASELINE, STUDIED, Draw, keys, short
from experiments.proxy_study.importance import experiment as importance
from surrobust.metrics import kendall_tau, r2_score

ALL, BEST, REST, COUNT = "all", "best alone", "best left out", "params alone"
SETS = (ALL, REST, BEST, COUNT)


@dataclass(frozen=True)
class Row:
    scores: str
    target: str
    n_train: int
    seed: int
    features: str
    best: str
    n_test: int
    r2: Annotated[float, ".5f"]
    kendall_tau: Annotated[float, ".5f"]


def measure(
    scores: str, target: str, n_train: int, seed: int, *, trees: int = 100
) -> Iterator[Row]:
    """Judge the forests of one draw."""
    draw = Draw(scores, target, n_train, seed, trees)
    best, whole = int(np.argmax(draw.importances)), list(range(len(draw.names)))
    chosen = {
        ALL: whole,
        REST: [j for j in whole if j != best],
        BEST: [best],
        COUNT: [draw.names.index(BASELINE)],
    }
    for label, columns in chosen.items():
        x, y = draw.held_out(columns)
        predicted = draw.fit(columns).predict(x)
        quality = r2_score(y, predicted), kendall_tau(y, predicted)
        yield Row(scores, target, n_train, seed, label, draw.names[best], len(y), *quality)


def tables(rows: list[Row]) -> Mapping[str, Lines]:
    """R2 of each set of scores, and what was most important, by kind of scores."""
    kinds = dict.fromkeys(row.scores for row in rows)
    return {f"r2 {kind}": of_kind([r for r in rows if r.scores == kind]) for kind in kinds}


def of_kind(rows: list[Row]) -> Lines:
    body = []
    for target, size in product(STUDIED, sizes_in(rows)):
        mine = [row for row in rows if (row.target, row.n_train) == (target, size)]
        found = ([row.r2 for row in mine if row.features == name] for name in SETS)
        whole = [row for row in mine if row.features == ALL]
        counts = Counter(row.best for row in whole).most_common()
        told = [*map(r2, found), r2([row.kendall_tau for row in whole])]
        if whole:
            best = ", ".join(f"{name} {n}" for name, n in counts)
            body.append([f"`{target}`", size, *told, best])
    return table(["target", "N", *SETS, "Kendall, all", "most important"], body)


def r2(values: list[float]) -> str:
    return spread(values, usual=5)


def sizes_in(rows: list[Row]) -> list[int]:
    return sorted({row.n_train for row in rows})


def plot(rows: list[Row], path: Path) -> None:
    """Draw R2 with the published scores, a panel an N."""
    from matplotlib.figure import Figure

    rows = [row for row in rows if row.scores == "published"]
    if not rows:
        return
    sizes, targets = sizes_in(rows), [t for t in STUDIED if any(row.target == t for row in rows)]
    figure = Figure(figsize=(9, 2.3 * len(sizes) + 1))
    axes = figure.subplots(len(sizes), 1, sharex=True, squeeze=False)[:, 0]
    places = np.arange(len(targets))
    for (axis, size), (i, name) in product(zip(axes, sizes, strict=True), enumerate(SETS)):
        mine = [row for row in rows if (row.n_train, row.features) == (size, name)]
        found = [[row.r2 for row in mine if row.target == target] for target in targets]
        axis.bar(
            places + (i - 1.5) * 0.2,
            [np.mean(values) for values in found],
            0.19,
            yerr=[np.std(values, ddof=1) if len(values) > 1 else 0 for values in found],
            error_kw={"linewidth": 0.6},
            label=name,
        )
    for axis, size in zip(axes, sizes, strict=True):
        axis.set(ylabel=f"R², N = {size}", ylim=(-0.5, 1))
        axis.axhline(0, color="grey", linewidth=0.8)
    axes[0].legend(fontsize=8, ncol=len(SETS), loc="lower left")
    axes[-1].set_xticks(places, [short(t) for t in targets], rotation=40, ha="right", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=100)


experiment = Experiment(
    __doc__,
    Path(__file__).with_name("results.csv"),
    Row,
    keys,
    measure,
    tables,
    {"r2.png": plot},
    smoke=importance.smoke,
)

if __name__ == "__main__":
    experiment.main()

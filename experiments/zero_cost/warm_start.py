"""What does the ranking that ships add to `default`, whose first evaluations are its best?"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np

from experiments.frame import Experiment, Key, Lines
from experiments.markdown import mean, table
from experiments.zero_cost import correlations
from experiments.zero_cost.data import short
from surrobust.benchmark import TARGETS
from surrobust.searches import ZeroCostSearch, run
from surrobust.sessions import make_search
from surrobust.sessions.ranking import zero_cost_scores
from surrobust.spaces import NASBench201
from surrobust.tables import load_table

BUDGETS = (10, 20, 50)
WARM = (0, 5, 10)


@dataclass(frozen=True)
class Row:
    warm: int
    target: str
    seed: int
    regret_10: Annotated[float, ".6f"]
    regret_20: Annotated[float, ".6f"]
    regret_50: Annotated[float, ".6f"]


def keys(
    targets: tuple[str, ...] = TARGETS, seeds: range = range(20), warm: tuple[int, ...] = WARM
) -> Iterator[Key]:
    for target, seed, first in product(targets, seeds, warm):
        yield first, target, seed


def measure(warm: int, target: str, seed: int) -> Row:
    known = load_table(target.split("/")[0])
    ranking = ZeroCostSearch(NASBench201(), scores=zero_cost_scores(target)).ranking(max(WARM))
    search = make_search("default", seed=seed)
    search.enqueue(ranking[:warm])
    evaluations = run(
        search, lambda cell: known.query(cell, target), budget=max(BUDGETS), source="table"
    )
    found = np.maximum.accumulate([each.value for each in evaluations])
    best = float(known.values(target).max())
    return Row(warm, target, seed, *(best - found[budget - 1] for budget in BUDGETS))


def tables(rows: list[Row]) -> Lines:
    """Regrets by target and how many come from the ranking."""
    yield f"Regret of `default`, mean ± sd of {len({row.seed for row in rows})} runs:"
    yield ""
    body = []
    for target, warm in dict.fromkeys((row.target, row.warm) for row in rows):
        own = [row for row in rows if (row.target, row.warm) == (target, warm)]
        found = ([getattr(row, f"regret_{budget}") for row in own] for budget in BUDGETS)
        body.append([short(target), warm, *(mean(v, 4) for v in found)])
    heads = ["target", "first from the ranking", *(f"after {budget}" for budget in BUDGETS)]
    yield from table(heads, body, rule=" --- ")


def plot(rows: list[Row], path: Path) -> None:
    """Draw correlations of proxies, and the regrets, by target."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4), layout="constrained")
    axes = figure.subplots(1, 2)
    known = correlations.experiment.rows()
    for i, name in enumerate(("params", "synflow", correlations.ALL)):
        mine = [row for row in known if row.proxy == name]
        means = [np.mean([row.spearman for row in mine if row.target == t]) for t in TARGETS]
        axes[0].bar(np.arange(len(TARGETS)) + (i - 1) * 0.27, means, 0.25, label=name)
    axes[0].set_ylabel("Spearman, held-out cells")
    targets = [target for target in TARGETS if any(row.target == target for row in rows)]
    for i, warm in enumerate(WARM):
        mine = [row for row in rows if row.warm == warm]
        means = [np.mean([row.regret_20 for row in mine if row.target == t]) for t in targets]
        label = f"{warm} from the ranking first"
        axes[1].bar(np.arange(len(targets)) + (i - 1) * 0.27, means, 0.25, label=label)
    axes[1].set_ylabel("regret of default after 20 evaluations")
    for axis, shown in zip(axes, (TARGETS, targets), strict=True):
        places = np.arange(len(shown))
        axis.set_xticks(places, map(short, shown), rotation=40, ha="right", fontsize=8)
        axis.axhline(0, color="grey", linewidth=0.8)
        axis.legend(fontsize=8)
    figure.savefig(path, dpi=100)


experiment = Experiment(
    __doc__,
    Path(__file__).with_name("warm_start.csv"),
    Row,
    keys,
    measure,
    lambda rows: {"warm start": tables(rows)},
    {"zero_cost.png": plot},
    smoke={"targets": TARGETS[:1], "seeds": [0]},
    order=lambda row: (TARGETS.index(row.target), row.seed, row.warm),
)

if __name__ == "__main__":
    experiment.main()

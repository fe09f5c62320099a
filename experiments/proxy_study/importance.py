"""How important is each zero-cost proxy to a random forest that reads all of them?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np

from experiments.frame import Experiment, Lines
from experiments.markdown import mean, table
from experiments.proxy_study.forests import BASELINE, STUDIED, Draw, keys, short


@dataclass(frozen=True)
class Row:
    scores: str
    target: str
    n_train: int
    seed: int
    proxy: str
    importance: Annotated[float, ".5f"]


def measure(
    scores: str, target: str, n_train: int, seed: int, *, trees: int = 100
) -> Iterator[Row]:
    draw = Draw(scores, target, n_train, seed, trees)
    for name, loss in zip(draw.names, draw.importances, strict=True):
        yield Row(scores, target, n_train, seed, name, float(loss))


def tables(rows: list[Row]) -> Mapping[str, Lines]:
    """Importances at the largest N, by kind of scores."""
    kinds = dict.fromkeys(row.scores for row in rows)
    return {f"importance {kind}": of_kind([r for r in rows if r.scores == kind]) for kind in kinds}


def of_kind(rows: list[Row]) -> Lines:
    size, names = max(row.n_train for row in rows), proxies(rows)
    known = by_draws(rows)
    return table(
        [f"target (N = {size})", *names],
        (
            [f"`{target}`", *(mean(known[target, size, n], 2) for n in names)]
            for target in STUDIED
            if (target, size, BASELINE) in known
        ),
    )


def proxies(rows: list[Row]) -> list[str]:
    """Return their names, the baseline first."""
    return sorted({row.proxy for row in rows}, key=lambda name: (name != BASELINE, name))


def by_draws(rows: list[Row]) -> dict[tuple[str, int, str], list[float]]:
    """Return importances over draws by target, N and proxy."""
    found: dict[tuple[str, int, str], list[float]] = {}
    for row in rows:
        found.setdefault((row.target, row.n_train, row.proxy), []).append(row.importance)
    return found


def plot(rows: list[Row], path: Path) -> None:
    """Draw the shares of proxies in all importance of the published ones, a panel an N."""
    from matplotlib.figure import Figure

    rows = [row for row in rows if row.scores == "published"]
    if not rows:
        return
    sizes, names, known = sorted({row.n_train for row in rows}), proxies(rows), by_draws(rows)
    targets = [target for target in STUDIED if (target, sizes[0], BASELINE) in known]
    figure = Figure(figsize=(4 * len(sizes) + 1, 4.6), layout="constrained")
    axes = figure.subplots(1, len(sizes), sharey=True, squeeze=False)[0]
    for axis, size in zip(axes, sizes, strict=True):
        means = [[np.mean(known[target, size, name]) for name in names] for target in targets]
        gains = np.maximum(means, 0)
        shares = gains / gains.sum(axis=1, keepdims=True)
        picture = axis.imshow(shares, cmap="viridis", vmin=0, vmax=0.6, aspect="auto")
        axis.set_title(f"N = {size}")
        axis.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=8)
    axes[0].set_yticks(range(len(targets)), [short(t) for t in targets], fontsize=8)
    figure.colorbar(picture, ax=axes, label="share of the permutation importance")
    figure.savefig(path, dpi=100)


experiment = Experiment(
    __doc__,
    Path(__file__).with_name("importance.csv"),
    Row,
    keys,
    measure,
    tables,
    {"importance.png": plot},
    smoke={
        "scores": ["published"],
        "targets": STUDIED[:1],
        "sizes": [32],
        "seeds": [0],
        "trees": 20,
    },
)

if __name__ == "__main__":
    experiment.main()

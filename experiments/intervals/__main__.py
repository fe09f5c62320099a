"""Coverage and width of the intervals of `default` on held-out cells."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np

import surrobust as sr
from experiments.frame import Experiment, Key, Lines
from experiments.markdown import NOTHING, table
from surrobust.benchmark import TARGETS, has_ceiling, split
from surrobust.metrics import interval_coverage
from surrobust.typing import FloatArray

HERE = Path(__file__).parent
SEEDS = {50: 20, 200: 20, 1000: 8, 5000: 3}
"""Splits at each N: the spread over splits is largest where few cells calibrate."""
COVERAGES = (0.5, 0.8, 0.9, 0.95)
WHERE = ("all", "head", "best", "tail")
"""All test cells; the tenth predicted best; the tenth measured best; the tenth predicted worst."""
ONE, JOINT = "one target", "all targets"


@dataclass(frozen=True)
class Row:
    fit: str
    target: str
    n_train: int
    seed: int
    coverage: float
    where: str
    held: Annotated[float, ".5g"]
    width: Annotated[float, ".5g"]


Found = dict[tuple[str, int, float, str], list[Row]]
"""By target, N, coverage asked for and kind of cells: the rows of all splits."""


def keys(targets=TARGETS, sizes=tuple(SEEDS), seeds=(), joint=False) -> Iterator[Key]:
    """Yield fits on as many splits as are in the tables, else those given."""
    homes = dict.fromkeys(target.split("/")[0] for target in targets)
    fitted = [sr.targets_of(home)[0] for home in homes] if joint else targets
    for n_train in sizes:
        for seed, target in product(seeds or range(SEEDS[n_train]), fitted):
            yield JOINT if joint else ONE, target, n_train, seed


def measure(fit: str, target: str, n_train: int, seed: int) -> Iterator[Row]:
    """Yield one row per target of the fit, coverage and kind of test cells."""
    home = sr.Target.parse(target).benchmark
    targets = sr.targets_of(home) if fit == JOINT else (target,)
    table = sr.load_table(home)
    values = np.stack([table.values(each) for each in targets], axis=1)
    train, test = split(len(values), n_train=n_train, seed=seed)
    cells = [table.architectures[i] for i in test]
    model = sr.make_predictor("default", seed=seed)
    model.fit([table.architectures[i] for i in train], values[train], targets=targets)
    predicted = model.predict(cells)
    intervals = {q: model.predict_interval(cells, q) for q in COVERAGES}
    for column, each in enumerate(targets):
        true = values[test, column]
        for where, mine in regions(true, predicted[:, column]).items():
            for coverage, (lower, upper) in intervals.items():
                ends = lower[mine, column], upper[mine, column]
                held = interval_coverage(true[mine], *ends)
                width = float(np.mean(ends[1] - ends[0]))
                yield Row(fit, each, n_train, seed, coverage, where, held, width)


def regions(true: FloatArray, predicted: FloatArray) -> dict[str, np.ndarray]:
    """Return the rows of each kind of test cells."""
    tenth = len(true) // 10
    ranked, measured = (np.argsort(-values, kind="stable") for values in (predicted, true))
    every = np.arange(len(true))
    return dict(zip(WHERE, (every, ranked[:tenth], measured[:tenth], ranked[-tenth:]), strict=True))


def tables(rows: list[Row]) -> Lines:
    one = collect(row for row in rows if row.fit == ONE)
    sizes = sorted({key[1] for key in one})
    yield "\n### Deviation from the coverage asked for, in points\n"
    yield "Mean over targets and splits; in brackets the target that is furthest off.\n"
    yield from table(
        ["N", "n", "cells", *(f"{q:.0%}".replace("%", " %") for q in COVERAGES)],
        (
            [n, splits(one, n), where, *(summary(one, n, where, q) for q in COVERAGES)]
            for n, where in product(sizes, WHERE)
        ),
    )
    yield from surely_off(one, sizes)
    asked = [*product(sizes, COVERAGES)]
    for where, what in (("all", "all test cells"), ("head", "the tenth predicted best")):
        yield f"\n### Coverage of each target, {what}\n"
        yield from table(
            ["target", *(f"{n} at {q:.0%}" for n, q in asked)],
            ([f"`{t}`", *(told(one.get((t, n, q, where))) for n, q in asked)] for t in TARGETS),
        )
    yield "\n### Mean width of the 90 % interval, and in the head\n"
    yield from table(
        ["target", *(f"N = {n}" for n in sizes)],
        ([f"`{target}`", *(widths(one, target, n) for n in sizes)] for target in TARGETS),
    )
    yield from joint(collect(row for row in rows if row.fit == JOINT))


def collect(rows: Iterable[Row]) -> Found:
    found = defaultdict(list)
    for row in rows:
        found[row.target, row.n_train, row.coverage, row.where].append(row)
    return dict(found)


def splits(found: Found, n_train: int) -> int:
    return max(len(rows) for key, rows in found.items() if key[1] == n_train)


def off(found: Found, n_train: int, where: str, coverage: float) -> dict[str, float]:
    """Return by how many points each target's mean coverage is off."""
    return {
        key[0]: 100 * (np.mean([row.held for row in rows]) - coverage)
        for key, rows in found.items()
        if key[1:] == (n_train, coverage, where)
    }


def summary(found: Found, n_train: int, where: str, coverage: float) -> str:
    each = list(off(found, n_train, where, coverage).values())
    return f"{np.mean(each):+.1f} ({max(each, key=abs):+.1f})"


def told(rows: list[Row] | None) -> str:
    return f"{100 * np.mean([row.held for row in rows]):.1f}" if rows else NOTHING


def widths(found: Found, target: str, n_train: int) -> str:
    each = [found.get((target, n_train, 0.9, where)) for where in ("all", "head")]
    means = [f"{np.mean([row.width for row in rows]):.4f}" for rows in each if rows]
    return ", ".join(means) or NOTHING


def surely_off(found: Found, sizes: list[int]) -> Lines:
    """Yield the table of what is more than two points off by more than two standard errors."""
    yield "\n### More than 2 points off by more than 2 standard errors\n"
    yield "Of the means of each target over n splits, how many: beyond 2 points; surely so.\n"
    body = []
    for n_train, where in product(sizes, ("all", "head")):
        each = {key: rows for key, rows in found.items() if (key[1], key[3]) == (n_train, where)}
        beyond, which = 0, []
        for (target, _, coverage, _), rows in sorted(each.items()):
            points = 100 * (np.array([row.held for row in rows]) - coverage)
            mean = points.mean()
            error = points.std(ddof=1) / np.sqrt(len(points)) if len(points) > 1 else np.inf
            beyond += abs(mean) > 2
            if abs(mean) > 2 + 2 * error:
                name = target.partition("/")[2]
                which.append(f"`{name}` {coverage:.0%} {mean:+.1f} ± {error:.1f}")
        names = "; ".join(which) or "none"
        counts = (splits(each, n_train), where, len(each), beyond, len(which))
        body.append([n_train, *counts, names])
    heads = ["N", "n", "cells", "coverages x targets", "beyond 2 points", "surely", "which"]
    yield from table(heads, body)


def joint(found: Found) -> Lines:
    """Yield the table of the fits to all targets of a benchmark at once, if there are any."""
    if not found:
        return
    yield "\n### All targets of a benchmark at once, as the shipped predictors\n"
    yield "Deviation in points: mean over targets, and how many are within 2 points.\n"
    body = []
    for home in dict.fromkeys(key[0].split("/")[0] for key in found):
        # Where most cells are at exactly 0 an interval cannot hold just half of them.
        mine = {k: v for k, v in found.items() if k[0].startswith(home) and has_ceiling(k[0])}
        for n_train, where in product(sorted({key[1] for key in mine}), ("all", "head")):
            each = [[*off(mine, n_train, where, q).values()] for q in COVERAGES]
            cells = (f"{np.mean(x):+.1f} ({sum(abs(v) <= 2 for v in x)} of {len(x)})" for x in each)
            body.append([f"`{home}`", n_train, splits(mine, n_train), where, *cells])
    yield from table(["benchmark", "N", "n", "cells", "50 %", "80 %", "90 %", "95 %"], body)


def draw(rows: list[Row], path: Path) -> None:
    from matplotlib.figure import Figure

    found = collect(row for row in rows if row.fit == ONE)
    sizes = sorted({key[1] for key in found})
    figure = Figure(figsize=(10, 3.4), layout="constrained")
    panels = figure.subplots(1, len(WHERE), sharey=True)
    titles = ("all test cells", "tenth predicted best", "tenth measured best", "predicted worst")
    for panel, where, title in zip(panels, WHERE, titles, strict=True):
        panel.axhspan(-2, 2, color="black", alpha=0.1)
        for place, n_train in enumerate(sizes):
            for q in COVERAGES:
                each = list(off(found, n_train, where, q).values())
                panel.plot([100 * q + place - 1.5] * len(each), each, ".", color=f"C{place}", ms=4)
            panel.plot([], [], ".", color=f"C{place}", label=f"N = {n_train}")
        panel.set_title(title, fontsize=9)
        panel.set_xticks([100 * q for q in COVERAGES])
    panels[0].set_ylabel("coverage minus asked, points", fontsize=9)
    panels[0].legend(fontsize=7)
    figure.supxlabel("coverage asked for, %", fontsize=9)
    figure.savefig(path, dpi=110)


SMOKE = {"targets": TARGETS[:1], "sizes": [50], "seeds": [0]}
experiment = Experiment(
    __doc__, HERE / "results.csv", Row, keys, measure, tables, {"coverage.png": draw}, smoke=SMOKE
)

if __name__ == "__main__":
    experiment.main()

"""Coverage and width of the intervals of `default` on held-out cells."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np

import surrobust as sr
from experiments.frame import Experiment, Key, Lines, grouped
from experiments.markdown import NOTHING, table
from surrobust.benchmark import TARGETS, has_ceiling, split
from surrobust.metrics import interval_coverage
from surrobust.predictors.conformal import TILT, Calibration
from surrobust.processes.metric import metric_without
from surrobust.typing import FloatArray

HERE = Path(__file__).parent
SEEDS = {50: 20, 200: 20, 1000: 8}
"""Splits at each N: the spread over splits is largest where few cells calibrate."""
COVERAGES = (0.5, 0.8, 0.9, 0.95)
WHERE = {
    "all": "all test cells",
    "head": "the tenth predicted best",
    "best": "the tenth measured best",
    "tail": "the tenth predicted worst",
    "worst": "the tenth measured worst",
}
ONE, JOINT = "one target", "all targets"


@dataclass(frozen=True)
class Row:
    fit: str
    target: str
    n_train: int
    seed: int
    tilt: float
    """0 for intervals around the predicted values."""
    where: str
    held_50: Annotated[float, ".5g"]
    held_80: Annotated[float, ".5g"]
    held_90: Annotated[float, ".5g"]
    held_95: Annotated[float, ".5g"]
    width_50: Annotated[float, ".4g"]
    width_80: Annotated[float, ".4g"]
    width_90: Annotated[float, ".4g"]
    width_95: Annotated[float, ".4g"]


Found = dict[tuple[str, int, str], list[Row]]
"""By target, N and kind of cells: the rows of all splits."""


def keys(targets=TARGETS, sizes=tuple(SEEDS), seeds=(), joint=False) -> Iterator[Key]:
    """Yield fits on as many splits as are in the tables, else those given."""
    homes = dict.fromkeys(target.split("/")[0] for target in targets)
    fitted = [sr.targets_of(home)[0] for home in homes] if joint else targets
    for n_train in sizes:
        for seed, target in product(seeds or range(SEEDS[n_train]), fitted):
            yield JOINT if joint else ONE, target, n_train, seed


def measure(fit: str, target: str, n_train: int, seed: int, *, tilt: float = TILT) -> Iterator[Row]:
    """Yield one row per target of the fit, kind of test cells, and with the tilt and without."""
    home = sr.Target.parse(target).benchmark
    targets = sr.targets_of(home) if fit == JOINT else (target,)
    table = sr.load_table(home)
    values = np.stack([table.values(each) for each in targets], axis=1)
    train, test = split(len(values), n_train=n_train, seed=seed)
    cells = [table.architectures[i] for i in test]
    # Distances that the other benchmark taught.
    model = sr.make_predictor("default", metric=metric_without(home), seed=seed)
    model.fit([table.architectures[i] for i in train], values[train], targets=targets)
    predicted = model.predict(cells)
    for given in (0.0, tilt):
        found = np.array(intervals(model, cells, given))
        for column, each in enumerate(targets):
            true = values[test, column]
            for where, mine in regions(true, predicted[:, column]).items():
                held = [interval_coverage(true[mine], *ends[:, mine, column]) for ends in found]
                width = [float(np.mean(np.diff(ends[:, mine, column], axis=0))) for ends in found]
                yield Row(fit, each, n_train, seed, given, where, *held, *width)


def intervals(model, cells, tilt: float) -> list[tuple[FloatArray, FloatArray]]:
    """Return the intervals of a fitted predictor at all coverages, calibrated with that tilt."""
    state = model._fitted()
    held, groups = state.out_of_fold, state.out_of_fold.groups
    calibration = Calibration.from_residuals(
        held.true - held.mean, held.std, held.mean, groups=groups, forms=held.forms, tilt=tilt
    )
    mean, _, std = model._moments(cells)
    middle = calibration.middles(mean, std)
    half = (calibration.half_widths(mean, std, coverage=coverage) for coverage in COVERAGES)
    return [state.ranges.interval(mean, each, middle) for each in half]


def regions(true: FloatArray, predicted: FloatArray) -> dict[str, np.ndarray]:
    """Return the rows of each kind of test cells."""
    tenth = len(true) // 10
    ranked, measured = (np.argsort(-values, kind="stable") for values in (predicted, true))
    every = np.arange(len(true))
    kinds = (every, ranked[:tenth], measured[:tenth], ranked[-tenth:], measured[-tenth:])
    return dict(zip(WHERE, kinds, strict=True))


def tables(rows: list[Row]) -> Lines:
    one = [row for row in rows if row.fit == ONE]
    now, before = (collect(row for row in one if bool(row.tilt) is b) for b in (True, False))
    sizes = sorted({key[1] for key in now})
    yield "\n### Deviation from the coverage asked for, in points\n"
    yield "Mean over targets and splits; in brackets the target that is furthest off.\n"
    yield from deviations(now, sizes)
    yield "\n### The same with intervals around the predicted values\n"
    yield "The same fits and splits, no tilt.\n"
    yield from deviations(before, sizes)
    yield "\n### Width with the tilt over that without\n"
    yield "Mean over targets of the ratio of mean widths.\n"
    yield from table(
        ["N", "cells", *HEADS],
        (
            [n, where, *(f"{ratio(now, before, n, where, q):.3f}" for q in COVERAGES)]
            for n, where in product(sizes, ("all", "head", "tail"))
        ),
    )
    yield from surely_off(now, sizes)
    asked = [*product(sizes, COVERAGES)]
    for where in ("all", "head", "best"):
        yield f"\n### Coverage of each target, {WHERE[where]}\n"
        yield from table(
            ["target", *(f"{n} at {q:.0%}" for n, q in asked)],
            ([f"`{t}`", *(told(now.get((t, n, where)), q) for n, q in asked)] for t in TARGETS),
        )
    yield "\n### Mean width of the 90 % interval, and in the head\n"
    yield from table(
        ["target", *(f"N = {n}" for n in sizes)],
        ([f"`{target}`", *(widths(now, target, n) for n in sizes)] for target in TARGETS),
    )
    yield from joint(collect(row for row in rows if row.fit == JOINT and row.tilt))


HEADS = [f"{100 * q:.0f} %" for q in COVERAGES]


def collect(rows: Iterable[Row]) -> Found:
    return grouped(rows, "target", "n_train", "where")


def held(rows: Iterable[Row], coverage: float) -> FloatArray:
    """Return what share intervals of that coverage hold in each row."""
    return np.array([getattr(row, f"held_{100 * coverage:.0f}") for row in rows])


def width(rows: Iterable[Row], coverage: float) -> float:
    """Return their mean width over the rows."""
    return float(np.mean([getattr(row, f"width_{100 * coverage:.0f}") for row in rows]))


def splits(found: Found, n_train: int) -> int:
    return max(len(rows) for key, rows in found.items() if key[1] == n_train)


def deviations(found: Found, sizes: list[int]) -> Lines:
    yield from table(
        ["N", "n", "cells", *HEADS],
        (
            [n, splits(found, n), where, *(summary(found, n, where, q) for q in COVERAGES)]
            for n, where in product(sizes, WHERE)
        ),
    )


def off(found: Found, n_train: int, where: str, coverage: float) -> dict[str, float]:
    """Return by how many points each target's mean coverage is off."""
    return {
        key[0]: 100 * float(held(rows, coverage).mean() - coverage)
        for key, rows in found.items()
        if key[1:] == (n_train, where)
    }


def summary(found: Found, n_train: int, where: str, coverage: float) -> str:
    each = list(off(found, n_train, where, coverage).values())
    return f"{np.mean(each):+.1f} ({max(each, key=abs):+.1f})"


def ratio(now: Found, before: Found, n_train: int, where: str, coverage: float) -> float:
    each = [key for key in now if key[1:] == (n_train, where)]
    return float(
        np.mean([width(now[key], coverage) / width(before[key], coverage) for key in each])
    )


def told(rows: list[Row] | None, coverage: float) -> str:
    return f"{100 * held(rows, coverage).mean():.1f}" if rows else NOTHING


def widths(found: Found, target: str, n_train: int) -> str:
    each = [found.get((target, n_train, where)) for where in ("all", "head")]
    means = [f"{width(rows, 0.9):.4f}" for rows in each if rows]
    return ", ".join(means) or NOTHING


def surely_off(found: Found, sizes: list[int]) -> Lines:
    """Yield the table of what is more than two points off by more than two standard errors."""
    yield "\n### More than 2 points off by more than 2 standard errors\n"
    yield "Of the means of each target over n splits, how many: beyond 2 points; surely so.\n"
    body = []
    for n_train, where in product(sizes, ("all", "head", "best")):
        each = {key[0]: rows for key, rows in found.items() if key[1:] == (n_train, where)}
        beyond, which = 0, []
        for target, coverage in product(sorted(each), COVERAGES):
            points = 100 * (held(each[target], coverage) - coverage)
            mean = points.mean()
            error = points.std(ddof=1) / np.sqrt(len(points)) if len(points) > 1 else np.inf
            beyond += abs(mean) > 2
            if abs(mean) > 2 + 2 * error:
                name = target.partition("/")[2]
                which.append(f"`{name}` {coverage:.0%} {mean:+.1f} ± {error:.1f}")
        names = "; ".join(which) or "none"
        counts = (splits(found, n_train), where, len(each) * len(COVERAGES), beyond, len(which))
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
        for n_train, where in product(sorted({key[1] for key in mine}), ("all", "head", "best")):
            each = [[*off(mine, n_train, where, q).values()] for q in COVERAGES]
            cells = (f"{np.mean(x):+.1f} ({sum(abs(v) <= 2 for v in x)} of {len(x)})" for x in each)
            body.append([f"`{home}`", n_train, splits(mine, n_train), where, *cells])
    yield from table(["benchmark", "N", "n", "cells", *HEADS], body)


def draw(rows: list[Row], path: Path) -> None:
    from matplotlib.figure import Figure

    one = [row for row in rows if row.fit == ONE]
    now, before = (collect(row for row in one if bool(row.tilt) is b) for b in (True, False))
    sizes = sorted({key[1] for key in now})
    figure = Figure(figsize=(12, 3.4), layout="constrained")
    panels = figure.subplots(1, len(WHERE), sharey=True)
    for panel, (where, title) in zip(panels, WHERE.items(), strict=True):
        panel.axhspan(-2, 2, color="black", alpha=0.1)
        for place, n_train in enumerate(sizes):
            for q in COVERAGES:
                at = 100 * q + 1.5 * place - 1.5
                for found, mark in ((before, "_"), (now, ".")):
                    each = list(off(found, n_train, where, q).values())
                    panel.plot([at] * len(each), each, mark, color=f"C{place}", ms=4)
            panel.plot([], [], ".", color=f"C{place}", label=f"N = {n_train}")
        panel.plot([], [], "_", color="black", label="no tilt")
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

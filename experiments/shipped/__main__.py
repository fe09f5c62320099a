"""Which predictors ship with the package? Trains them and writes their folders, with cards.

Each is trained on every cell of its benchmark for all its targets. The figures on a card are those
of five folds that keep cells which compute the same together.
"""

import json
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np

import surrobust as sr
from experiments.frame import Experiment, Key, Lines
from experiments.markdown import put, table
from experiments.shipped.cards import MODELS, SHIPPED, add_ceilings, measured
from surrobust._files import write_text
from surrobust.predictors.shipped import read_card

LEVELS = (50, 80, 90, 95)
REGIONS = {"all": "", "the tenth predicted best": "_head", "the tenth measured best": "_best"}
"""Of held-out cells, and how a card writes them."""


@dataclass(frozen=True)
class Row:
    predictor: str
    targets: int
    cells: int
    bytes: int
    tau_least: Annotated[float, ".6f"]
    tau_mean: Annotated[float, ".6f"]
    tau_median: Annotated[float, ".6f"]
    tau_largest: Annotated[float, ".6f"]


@dataclass(frozen=True)
class Covered:
    """How many held-out cells of a region intervals hold, over the targets of a card."""

    predictor: str
    cells: str
    coverage: int
    mean: float
    least: float
    largest: float
    sd_over_folds: float


def keys(predictors: tuple[str, ...] = tuple(SHIPPED)) -> Iterator[Key]:
    yield from ((name,) for name in predictors)


def measure(predictor: str, *, folder: Path | None = MODELS, cells: int = 0) -> Row:
    """Train on all cells, or so many, and write into a folder, or into one that does not stay."""
    with nullcontext(folder) if folder else TemporaryDirectory() as place:
        build(predictor, Path(place, predictor), cells)
        add_ceilings(Path(place, predictor))
        return figures(Path(place, predictor))


def build(name: str, folder: Path, cells: int) -> None:
    what = SHIPPED[name]
    known = sr.load_table(what.benchmark)
    targets = what.targets or known.targets
    kept, values = measured(known, targets)
    model = sr.make_predictor(what.kind, seed=0, **what.options)
    n = cells or len(kept)
    model.fit([known.architectures[i] for i in kept[:n]], values[:n], targets=targets)
    model.save(
        folder,
        name=name,
        trained_on={"table": known.name, "checksums": dict(known.checksums)},
        citation=known.citation,
    )


def figures(folder: Path) -> Row:
    """Return what a card says in short."""
    card = json.loads((folder / "card.json").read_text())
    taus = [each["kendall_tau"] for each in card["metrics"].values()]
    size = sum(path.stat().st_size for path in folder.iterdir())
    # Of an even number the median is the mean of two.
    quality = min(taus), float(np.mean(taus)), float(np.median(taus)), max(taus)
    return Row(folder.name, len(taus), card["trained_on"]["n"], size, *quality)


def covered(name: str) -> Iterator[Covered]:
    """Return what a shipped card says of its intervals."""
    metrics = read_card(name)["metrics"].values()
    for cells, suffix in REGIONS.items():
        for level in LEVELS:
            key = f"coverage_{level}{suffix}"
            found = [figures[key] for figures in metrics]
            spread = float(np.mean([figures[f"{key}_sd"] for figures in metrics]))
            yield Covered(name, cells, level, np.mean(found), min(found), max(found), spread)


def tables(rows: list[Row]) -> Lines:
    heads = ["predictor", "targets", "cells", "MB", "held-out tau: least, mean, median, largest"]
    body = []
    for row in rows:
        each = (row.tau_least, row.tau_mean, row.tau_median, row.tau_largest)
        taus = ", ".join(f"{tau:.3f}" for tau in each)
        size = f"{row.bytes / 1e6:.1f}"
        body.append([f"`{row.predictor}`", row.targets, row.cells, size, taus])
    return table(heads, body)


def coverages(rows: list[Row]) -> Lines:
    """Mean over targets, least and largest, and the mean standard deviation over the five folds."""
    body = []
    for row in rows:
        found = list(covered(row.predictor))
        for cells in REGIONS:
            body.append([f"`{row.predictor}`", cells])
            for one in (one for one in found if one.cells == cells):
                ends = f"{100 * one.least:.1f} to {100 * one.largest:.1f}"
                body[-1].append(f"{100 * one.mean:.1f} ({ends}; {100 * one.sd_over_folds:.1f})")
    return table(["predictor", "cells", *(f"{level} %" for level in LEVELS)], body)


experiment = Experiment(
    __doc__,
    Path(__file__).with_name("figures.csv"),
    Row,
    keys,
    measure,
    lambda rows: {"figures": tables(rows), "coverages": coverages(rows)},
    smoke={"predictors": ["hw-nas-bench-edgetpu-v1"], "folder": None, "cells": 60},
    order=lambda row: list(SHIPPED).index(row.predictor),
)

if __name__ == "__main__":
    experiment.main()
    page = MODELS / "README.md"  # has the same table
    text = page.read_text(encoding="utf-8")
    if text != (new := put(text, "figures", experiment.current(["figures"])["figures"])):
        write_text(page, new)

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

import surrobust as sr
from experiments.frame import Experiment, Key, Lines
from experiments.markdown import put, table
from experiments.shipped.cards import MODELS, SHIPPED, add_ceilings, measured
from surrobust._files import write_text


@dataclass(frozen=True)
class Row:
    predictor: str
    targets: int
    cells: int
    bytes: int
    tau_least: Annotated[float, ".6f"]
    tau_median: Annotated[float, ".6f"]
    tau_largest: Annotated[float, ".6f"]
    coverage_least: Annotated[float, ".6f"]
    coverage_largest: Annotated[float, ".6f"]


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
    taus = sorted(each["kendall_tau"] for each in card["metrics"].values())
    covers = [each["coverage_90"] for each in card["metrics"].values()]
    size = sum(path.stat().st_size for path in folder.iterdir())
    quality = taus[0], taus[len(taus) // 2], taus[-1], min(covers), max(covers)
    return Row(folder.name, len(taus), card["trained_on"]["n"], size, *quality)


def tables(rows: list[Row]) -> Lines:
    heads = ["predictor", "targets", "cells", "MB", "held-out tau: least, median, largest"]
    body = []
    for row in rows:
        taus = f"{row.tau_least:.3f}, {row.tau_median:.3f}, {row.tau_largest:.3f}"
        covers = f"{row.coverage_least:.3f} to {row.coverage_largest:.3f}"
        size = f"{row.bytes / 1e6:.1f}"
        body.append([f"`{row.predictor}`", row.targets, row.cells, size, taus, covers])
    return table([*heads, "90 % intervals hold"], body)


experiment = Experiment(
    __doc__,
    Path(__file__).with_name("figures.csv"),
    Row,
    keys,
    measure,
    lambda rows: {"figures": tables(rows)},
    smoke={"predictors": ["hw-nas-bench-edgetpu-v1"], "folder": None, "cells": 60},
    order=lambda row: list(SHIPPED).index(row.predictor),
)

if __name__ == "__main__":
    experiment.main()
    page = MODELS / "README.md"  # has the same table
    text = page.read_text(encoding="utf-8")
    if text != (new := put(text, "figures", experiment.current(["figures"])["figures"])):
        write_text(page, new)

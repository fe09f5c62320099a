"""Does a fast recipe order cells as the table does?"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import rankdata

import surrobust as sr
from surrobust._files import write_text
from surrobust.metrics import kendall_tau, spearman_rho
from surrobust.tables import read_records
from surrobust.training import OneCycle, Recipe
from surrobust.verification import make_plan, run_several

CHANCE = 0.1
HEAD = 0.1
"""Share of the table that is its head."""

RESAMPLES = 2000
TARGETS = {m: f"nas-robbench-201/cifar10/{m}" for m in ("clean", "fgsm-8", "pgd-8")}

SMALL: dict[str, Any] = {
    "image_size": 16,
    "n_images": 5000,
    "n_test": 2000,
    "channels": 8,
    "cells": 1,
    "epochs": 8,
}
MEDIUM: dict[str, Any] = {**SMALL, "n_images": None, "n_test": 4000}
SMOKE: dict[str, Any] = {**SMALL, "image_size": 8, "n_images": 200, "n_test": 100, "epochs": 1}


def small_recipe() -> Recipe:
    """The recipe ``fast`` with batches of 64, so that few images make enough steps."""
    fast = sr.RECIPES["fast"]
    schedule = OneCycle(peak=0.1, warm_up=0.4, momentum=(0.9, 0.9))
    return replace(fast, name="fast-64", batch_size=64, schedule=schedule)


def medium_recipe() -> Recipe:
    """The recipe ``fast`` with its paper's batches of 128, which suit networks of 8 channels."""
    return replace(sr.RECIPES["fast"], name="fast-128", batch_size=128)


SCALES: dict[str, tuple[Recipe, dict[str, Any]]] = {
    "smoke": (small_recipe(), SMOKE),
    "small": (small_recipe(), SMALL),
    "medium": (medium_recipe(), MEDIUM),
    # As many passes as kept the order at the medium scale.
    "full": (sr.RECIPES["fast"], {"epochs": MEDIUM["epochs"], "n_test": 5000}),
}
"""Recipe and fidelity by scale: all images in ``medium``, and 32 x 32 pixels only in ``full``."""


def choose_cells(n: int, seed: int = 0, *, head: int = 0) -> list[int]:
    """Representatives whose pgd-8 in the table is spread evenly over a range.

    Args:
        n: Over its whole range.
        seed: Of the choice among neighbours.
        head: Further ones, over the range of its best tenth.
    """
    table = sr.load_table("nas-robbench-201")
    values = table.values(TARGETS["pgd-8"])
    rng, chosen = np.random.default_rng(seed), []
    ranges = [(values.min(), n), (np.quantile(values, 1 - HEAD), head)]
    for wanted in np.concatenate([np.linspace(low, values.max(), k) for low, k in ranges]):
        order = np.argsort(np.abs(values - wanted))
        free = [row for row in order[:5] if row not in chosen]  # one of the five nearest, at random
        chosen.append(int(rng.choice(free or [r for r in order if r not in chosen][:1])))
    return [table.architectures[row].index for row in chosen]


def run(
    place: Path, images: str, device: str, *, n: int, scale: str, head: int = 0, at_once: int = 1
) -> None:
    """Verify cells in an order by chance, and tell the correlations.

    Those from all of the range come first, so that less time than all take is well spent.
    """
    recipe, options = SCALES[scale]
    attacks = list(TARGETS)[1:]
    plan = make_plan(recipe, images, attacks=attacks, device=device, **options)
    out = place / f"order-{scale}.jsonl"
    rng, chosen = np.random.default_rng(0), choose_cells(n, head=head)
    chosen = [*rng.permutation(chosen[:n]), *rng.permutation(chosen[n:])]
    cells = [sr.Architecture.parse(int(index)) for index in chosen]
    try:
        for record in run_several(cells, plan, at_once=at_once, out=out):
            if isinstance(record, FloatingPointError):
                print(record, flush=True)
                continue
            print(record["index"], record["accuracy"], record["train"]["seconds"], flush=True)
    finally:  # of what there is, also where the time is over
        if out.exists():
            summarise(place, scale=scale)


def summarise(place: Path, *, scale: str) -> None:
    """Write the table, the figure and the correlations of all cells measured so far."""
    table, rows = sr.load_table("nas-robbench-201"), []
    for record in read_records(place / f"order-{scale}.jsonl"):
        row: dict[str, Any] = {"index": record["index"], "genotype": record["architecture"]}
        for metric, target in TARGETS.items():
            row[f"table {metric}"] = round(table.query(record["index"], target), 4)
            row[f"measured {metric}"] = round(record["accuracy"][metric], 4)
        rows.append({**row, "alarms": record["train"]["alarms"]})
    rows.sort(key=lambda row: row["table pgd-8"])
    write_rows(place / f"order-{scale}.csv", rows)
    _tell(rows, "all cells")
    _tell([row for row in rows if row["table pgd-8"] > CHANCE], "those above chance in the table")
    least = np.quantile(table.values(TARGETS["pgd-8"]), 1 - HEAD)
    _tell([row for row in rows if row["table pgd-8"] >= least], "those of the table's best tenth")
    _draw(rows, place / f"order-{scale}.png")


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows that may have different columns."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [",".join(str(row.get(name, "")) for name in columns) for row in rows]
    write_text(path, "\n".join([",".join(columns), *lines]) + "\n")


def _tell(rows: list[dict[str, Any]], which: str) -> None:
    if len(rows) < 3:
        return
    x = np.array([row["table pgd-8"] for row in rows])
    draws = np.random.default_rng(0).integers(len(rows), size=(RESAMPLES, len(rows)))
    for metric in TARGETS:
        y = np.array([row[f"measured {metric}"] for row in rows])
        rho, tau = spearman_rho(x, y), kendall_tau(x, y)
        # A draw of one cell alone, or of equal ones, has no order.
        a, b = (rankdata(values[draws], axis=1) - (len(rows) + 1) / 2 for values in (x, y))
        ordered = np.ptp(a, axis=1) * np.ptp(b, axis=1) > 0
        a, b = a[ordered], b[ordered]
        drawn = (a * b).sum(1) / np.sqrt((a**2).sum(1) * (b**2).sum(1))
        low, high = np.quantile(drawn, [0.025, 0.975]) if len(drawn) else (np.nan, np.nan)
        print(
            f"{metric}, {which}: Spearman {rho:.3f} [{low:.3f}, {high:.3f}], Kendall {tau:.3f} "
            f"with the table's pgd-8, n = {len(rows)}"
        )


def _draw(rows: list[dict[str, Any]], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 3.5), layout="constrained")
    axes = figure.subplots()
    for metric, marker in (("clean", "o"), ("pgd-8", "s")):
        x = [row["table pgd-8"] for row in rows]
        axes.plot(x, [row[f"measured {metric}"] for row in rows], marker, label=metric)
    axes.set(xlabel="pgd-8 in the table", ylabel="measured")
    axes.legend()
    figure.savefig(path, dpi=100)

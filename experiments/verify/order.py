"""Does a fast recipe order cells as the table does?"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import surrobust as sr
from surrobust._files import write_text
from surrobust.metrics import kendall_tau, spearman_rho
from surrobust.training import OneCycle, Recipe

TARGETS = {m: f"nas-robbench-201/cifar10/{m}" for m in ("clean", "fgsm-8", "pgd-8")}

SMALL: dict[str, Any] = {
    "image_size": 16,
    "n_images": 5000,
    "n_test": 2000,
    "channels": 8,
    "cells": 1,
    "epochs": 8,
}
SMOKE: dict[str, Any] = {**SMALL, "image_size": 8, "n_images": 200, "n_test": 100, "epochs": 1}


def small_recipe() -> Recipe:
    """The recipe ``fast`` with batches of 64, so that few images make enough steps."""
    fast = sr.RECIPES["fast"]
    schedule = OneCycle(peak=0.1, warm_up=0.4, momentum=(0.9, 0.9))
    return replace(fast, name="fast-64", batch_size=64, schedule=schedule)


def choose_cells(n: int, seed: int = 0) -> list[int]:
    """Representatives whose pgd-8 in the table is spread evenly over its whole range."""
    table = sr.load_table("nas-robbench-201")
    values = table.values(TARGETS["pgd-8"])
    rng, chosen = np.random.default_rng(seed), []
    for wanted in np.linspace(values.min(), values.max(), n):
        near = np.argsort(np.abs(values - wanted))[:5]  # one of the five nearest, at random
        free = [row for row in near if row not in chosen]
        chosen.append(int(rng.choice(free)))
    return [table.architectures[row].index for row in chosen]


def run(place: Path, images: str, device: str, *, n: int, scale: str) -> list[dict[str, Any]]:
    """Verify the cells, tell the correlations, and return the rows."""
    options = {"small": SMALL, "smoke": SMOKE, "full": {}}[scale]
    recipe = sr.RECIPES["fast"] if scale == "full" else small_recipe()
    table, rows = sr.load_table("nas-robbench-201"), []
    for index in choose_cells(n):
        record = sr.verify(
            index,
            recipe,
            images,
            attacks=list(TARGETS)[1:],
            device=device,
            out=place / f"order-{scale}.jsonl",
            **options,
        )
        row: dict[str, Any] = {"index": index, "genotype": record["architecture"]}
        for metric, target in TARGETS.items():
            row[f"table {metric}"] = round(table.query(index, target), 4)
            row[f"measured {metric}"] = round(record["accuracy"][metric], 4)
        row["seconds"] = record["train"]["seconds"]
        row["alarms"] = record["train"]["alarms"]
        rows.append(row)
        print(row, flush=True)
    lines = [",".join(rows[0])]
    lines += [",".join(str(value) for value in row.values()) for row in rows]
    write_text(place / f"order-{scale}.csv", "\n".join(lines) + "\n")
    for metric in TARGETS:
        x = np.array([row["table pgd-8"] for row in rows])
        y = np.array([row[f"measured {metric}"] for row in rows])
        print(
            f"{metric}: Spearman {spearman_rho(x, y):.3f}, Kendall {kendall_tau(x, y):.3f} "
            f"with the table's pgd-8, n = {len(rows)}"
        )
    return rows

"""What do departures from the authors' code change in a small search?

Handwritten digits, supernets of NAS-Bench-201 as small as those of this experiment, second order:
whole searches under each condition, and the cells in which they end.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch

from experiments.differentiable import cosines
from experiments.differentiable.cosines import ATTACKS, SETTINGS
from experiments.differentiable.searches import SEEDS, by_condition, mean_of
from experiments.frame import Experiment, Key, Lines, Number
from experiments.markdown import table
from surrobust.differentiable import Arnas, Dsrna, gradient_search
from surrobust.tables import load_table

TARGET = "nas-robbench-201/cifar10/pgd-8"
JACOBIAN = Dsrna("jacobian", images=2, epsilon=8 / 255)
CONDITIONS: dict[str, tuple[Arnas | Dsrna, dict[str, Any]]] = {
    **{name: (Arnas(**options), {}) for name, options in ATTACKS.items()},
    "arnas, batches in turn and whole": (Arnas(), {"in_turn": True, "whole": True}),
    "arnas, not normalised": (Arnas(), {"normalised": False}),
    "dsrna jacobian": (JACOBIAN, {}),
    "dsrna jacobian, first order": (JACOBIAN, {"order": 1}),
}
REMARKS = {
    "arnas, all three": " (as before)",
    "arnas, batches in turn and whole": " (as before)",
    "arnas, not normalised": " (as in the code)",
    "dsrna jacobian": ", second order",
    "dsrna jacobian, first order": " (as PC-DARTS)",
}


@dataclass(frozen=True)
class Row:
    condition: str
    seed: int
    role: str
    code: str
    pgd_8: Annotated[float, ".4f"]
    attacked_loss: Annotated[Number, ".3f", ""]
    seconds: Annotated[float, ".1f"]
    steps: int


def keys(
    conditions: tuple[str, ...] = tuple(CONDITIONS), seeds: tuple[int, ...] = SEEDS
) -> Iterator[Key]:
    for seed, name in product(seeds, conditions):
        yield name, seed


def measure(condition: str, seed: int, *, limit: int = SETTINGS.limit) -> Iterator[Row]:
    """Search once: a row for each role, with the loss under attack in the last third."""
    torch.set_num_threads(1)
    method, changes = CONDITIONS[condition]
    notes: list[dict[str, float]] = []
    begun = time.process_time()
    found = gradient_search(
        method,
        "digits",
        settings=replace(SETTINGS, limit=limit, **changes),
        seed=seed,
        device="cpu",
        progress=lambda _step, _total, told: notes.append(dict(told)),
    )
    seconds = time.process_time() - begun
    losses = [note.get("attacked", np.nan) for note in notes[-len(notes) // 3 :]]
    loss = Number(np.mean(losses) / method.options.get("weight", 1))
    measured = load_table("nas-robbench-201")
    for role, cell in found.cells.items():
        value = float(measured.query(cell, TARGET))
        yield Row(condition, seed, role, cell.code, value, loss, seconds, len(notes))


def tables(rows: list[Row]) -> Lines:
    """Means over the seeds by condition and role, beside the cosines of the gradients."""
    told = cosines.by_attack(cosines.experiment.rows())
    body, before = [], ""
    for (name, role), own in by_condition(rows).items():
        codes, value = " ".join(row.code for row in own), mean_of(own, "pgd_8")
        if name == before:
            body.append([None, role, codes, value, None, None])
            continue
        loss = None if np.isnan(own[0].attacked_loss) else mean_of(own, "attacked_loss")
        shown = name.removeprefix("arnas, ") + REMARKS.get(name, "")
        body.append([shown, role, codes, value, loss, told.get(name)])
        before = name
    return table(["condition", "role", "cells by seed", "pgd-8", "loss", "cosine"], body)


experiment = Experiment(
    __doc__,
    Path(__file__).with_name("departures.csv"),
    Row,
    keys,
    measure,
    lambda rows: {"departures": tables(rows)},
    smoke={"conditions": [*CONDITIONS][:1], "seeds": [0], "limit": 32},
    order=lambda row: (row.seed, list(CONDITIONS).index(row.condition)),
)

if __name__ == "__main__":
    experiment.main()

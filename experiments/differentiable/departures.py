"""What do departures from the authors' code change in a small search?

    python experiments/differentiable/departures.py            # resumable run by run; digits
    python experiments/differentiable/departures.py --smoke

Handwritten digits, supernets of NAS-Bench-201 as small as those of ``run.py``, second order. First
whole searches under each condition, and the cells in which they end, looked up in NAS-RobBench-201
(``departures.csv``). Then, along the first condition's way, the architecture gradients of all
attacks at one and the same point: their cosine with that of the authors' (printed).
"""

import argparse
import csv
import io
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from surrobust._files import write_text
from surrobust.differentiable import (
    PRESETS,
    Arnas,
    Dsrna,
    InnerStep,
    SearchBatch,
    Settings,
    architecture_gradients,
    gradient_search,
)
from surrobust.differentiable.batches import Halves
from surrobust.differentiable.descent import Descent, fit_loss
from surrobust.differentiable.supernets import build_cell_supernet
from surrobust.images import load_images
from surrobust.tables import load_table

HERE = Path(__file__).parent
SEEDS = (0, 1, 2)
# Halves of 266 images: eight batches and ten images in an epoch.
SETTINGS = replace(PRESETS["cpu"], image_size=8, limit=532, epochs=3, order=2)
EVERY = 4
TARGET = "nas-robbench-201/cifar10/pgd-8"
ATTACKS: dict[str, dict[str, Any]] = {
    "arnas": {},
    "arnas, attack in evaluation mode": {"modes": "eval"},
    "arnas, attack on unrolled weights": {"unrolled": True},
    "arnas, attack within [0, 1]": {"clipped": True},
    "arnas, all three": {"modes": "eval", "unrolled": True, "clipped": True},
}
CONDITIONS: dict[str, tuple[Arnas | Dsrna, dict[str, Any]]] = {
    **{name: (Arnas(**options), {}) for name, options in ATTACKS.items()},
    "arnas, batches in turn and whole": (Arnas(), {"in_turn": True, "whole": True}),
    "arnas, not normalised": (Arnas(), {"normalised": False}),
    "dsrna jacobian": (Dsrna("jacobian", images=2, epsilon=8 / 255), {}),
    "dsrna jacobian, first order": (
        Dsrna("jacobian", images=2, epsilon=8 / 255),
        {"order": 1},
    ),
}
FIELDS = ("condition", "seed", "role", "code", "pgd-8", "attacked loss", "seconds", "steps")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir")
    parser.add_argument("--out", type=Path, default=HERE / "departures.csv")
    parser.add_argument("--smoke", action="store_true", help="two steps, one seed; no file")
    args = parser.parse_args()
    torch.set_num_threads(1)
    table = load_table("nas-robbench-201", data_dir=args.data_dir)
    settings, seeds = SETTINGS, SEEDS
    if args.smoke:
        settings, seeds = replace(SETTINGS, limit=32, epochs=1, batch=8), (0,)
    rows = [] if args.smoke or not args.out.exists() else read(args.out)
    for seed in seeds:
        for name in CONDITIONS:
            if any(row["condition"] == name and int(row["seed"]) == seed for row in rows):
                continue
            rows += one(name, seed, settings, table)
            if not args.smoke:
                write(args.out, rows)
    print_table(rows)
    found = [compare(seed, settings) for seed in seeds]
    for name in ATTACKS:
        values = [cosine for of_seed in found for cosine in of_seed[name]]
        print(f"| {name} | {spread(values)} | {len(values)} |")


def one(name: str, seed: int, settings: Settings, table: Any) -> list[dict[str, Any]]:
    """Search once; a row for each role."""
    method, changes = CONDITIONS[name]
    notes: list[dict[str, float]] = []
    begun = time.process_time()
    found = gradient_search(
        method,
        "digits",
        settings=replace(settings, **changes),
        seed=seed,
        device="cpu",
        progress=lambda _step, _total, told: notes.append(dict(told)),
    )
    row = {"condition": name, "seed": seed, "seconds": f"{time.process_time() - begun:.1f}"}
    row |= {"steps": len(notes), "attacked loss": ""}
    if "attacked" in notes[0]:
        last = [note["attacked"] / method.options["weight"] for note in notes[-len(notes) // 3 :]]
        row["attacked loss"] = f"{np.mean(last):.3f}"
    return [
        {**row, "role": role, "code": cell.code, "pgd-8": f"{table.query(cell, TARGET):.4f}"}
        for role, cell in found.cells.items()
    ]


def compare(seed: int, settings: Settings) -> dict[str, list[float]]:
    """Return the cosine of each attack's gradient with the first's, along the first's way."""
    images = load_images("digits", image_size=settings.image_size, limit=settings.limit, seed=seed)
    network = build_cell_supernet(
        channels=settings.channels,
        cells=settings.cells,
        classes=len(images.classes),
        placed=True,
        widths=Arnas.widths,
        normalisation=images.statistics,
        generator=torch.Generator().manual_seed(seed),
    )
    device = torch.device("cpu")
    halves = Halves(images, batch=settings.batch, augment=False, seed=seed, device=device)
    descent = Descent(network, Arnas(), settings, halves)
    found: dict[str, list[float]] = {name: [] for name in ATTACKS}
    while descent.step < descent.total:
        if descent.step % EVERY == 0:
            slopes = {name: slope(descent, Arnas(**ATTACKS[name])) for name in ATTACKS}
            for name, vector in slopes.items():
                cosine = torch.cosine_similarity(vector, slopes["arnas"], dim=0)
                found[name].append(float(cosine))
        descent.advance()
    return found


def slope(descent: Descent, method: Arnas) -> torch.Tensor:
    """Return the architecture gradient of a strategy where a search is."""
    network, fit = descent.network, descent.halves.fit(descent.step)
    network.train()
    fitted = SearchBatch(method.fitted(network, fit), fit.y)
    pairs = architecture_gradients(
        network,
        list(method.outers(network, descent.halves.held(descent.step)).values()),
        inner=fit_loss(fitted),
        step=InnerStep(descent.settings.weight_rate),
    )
    combined, _ = method.combine([g for _, g in pairs], [float(v) for v, _ in pairs])
    return combined.flatten()


def print_table(rows: list[dict[str, Any]]) -> None:
    """Print mean and standard deviation over the seeds of each condition and role."""
    for key in dict.fromkeys((row["condition"], row["role"]) for row in rows):
        own = [row for row in rows if (row["condition"], row["role"]) == key]
        values = [[float(row[name] or "nan") for row in own] for name in ("pgd-8", "attacked loss")]
        spreads = [spread(v) for v in values]
        codes = " ".join(row["code"] for row in own)
        print("| " + " | ".join([*key, codes, *spreads]) + " |")


def spread(values: list[float]) -> str:
    """Return mean and standard deviation."""
    deviation = np.std(values, ddof=1) if len(values) > 1 else float("nan")
    return f"{np.mean(values):.3f} ± {deviation:.3f}"


def read(path: Path) -> list[dict[str, Any]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


if __name__ == "__main__":
    main()

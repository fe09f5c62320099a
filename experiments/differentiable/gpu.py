"""The papers' search settings, and the networks that come out of them, trained and attacked.

    python experiments/differentiable/gpu.py --images cifar10 --out runs/gpu
    python experiments/differentiable/gpu.py --smoke      # seconds on a CPU, noise for images

For each of dsrna and arnas: one search over its own cells with its paper's settings (preset
``dsrna-paper``, ``arnas-paper``), seconds and genotype; then the network of 20 cells, trained for
``--epochs`` epochs and attacked by ``surrobust.verify``: by the recipe of its paper (``dsrna``: 600
epochs, clean images; ``arnas``: 200, PGD-7), and what dsrna found by ``arnas`` too, so that both
are compared. ``--tiny`` is all of it in minutes on a CPU, ``--short`` the papers' networks on a
few images for three epochs, ``--preset`` takes other settings, and
``--channels``, ``--cells`` and ``--n-images`` make the trainings smaller. Searches go on from their
checkpoints, trainings from their last epoch, and what was recorded is not run again; writes
``OUT/<strategy>/gradient.json`` and ``OUT/records.jsonl``.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from surrobust import verify
from surrobust.differentiable import GRADIENT_CLASSES, PRESETS, gradient_search
from surrobust.networks import build_genotype_network
from surrobust.spaces import Genotype
from surrobust.training import RECIPES

TRAINED_BY = {"dsrna": ("dsrna", "arnas"), "arnas": ("arnas",)}
# A search of few steps: dsrna with one channel in four on the edges, as in PC-DARTS.
SMALL = replace(PRESETS["darts-cpu"], image_size=8, limit=64, batch=8)
TINY_SEARCHES = {"dsrna": replace(SMALL, partial=4), "arnas": SMALL}
TINY = {
    **{"device": "cpu", "attacks": ["fgsm-8", "pgd-8"], "epochs": 4, "channels": 4, "cells": 4},
    **{"n_images": 500, "n_test": 200, "image_size": 8},
}
# The papers' networks and rates on fewer images and epochs: minutes on a GPU.
SHORT = {"limit": 2048, "epochs": 3}
SHORT_TRAININGS = {"epochs": 3, "channels": 16, "cells": 8}
SMOKE = {
    **{"images": "random", "device": "cpu", "preset": "darts-smoke", "attacks": ["fgsm", "pgd"]},
    **{"epochs": 1, "channels": 1, "cells": 4, "n_images": 64, "n_test": 64, "image_size": 8},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", default="cifar10")
    parser.add_argument("--data-dir")
    parser.add_argument("--out", type=Path, default=Path("runs/differentiable"))
    parser.add_argument("--preset", help="settings of both searches; otherwise each paper's")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--channels", type=int, help="otherwise the recipe's, as the next two")
    parser.add_argument("--cells", type=int)
    parser.add_argument("--n-images", type=int)
    parser.add_argument("--n-test", type=int)
    parser.add_argument("--image-size", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--attacks", nargs="+", help="otherwise the recipe's")
    parser.add_argument("--short", action="store_true", help="minutes on a GPU")
    parser.add_argument("--tiny", action="store_true", help="minutes on a CPU")
    parser.add_argument("--smoke", action="store_true")
    args = parser.parse_args()
    if args.tiny:
        vars(args).update(TINY)
    if args.short:
        vars(args).update(SHORT_TRAININGS)
    if not args.smoke:
        run(args)
        return
    vars(args).update(SMOKE)
    with tempfile.TemporaryDirectory() as folder:
        args.out = Path(folder)
        run(args)


def run(args: argparse.Namespace) -> None:
    """Search and train with each strategy; print what came out."""
    for name, recipes in TRAINED_BY.items():
        found = search(name, args)
        for recipe in recipes:
            record = train(found, recipe, args)
            sizes = {key: record["train"][key] for key in ("channels", "cells", "epochs_done")}
            counted = count_parameters(found, sizes["channels"], sizes["cells"])
            print(f"{name} by {recipe}: {sizes}, {counted} parameters")
            print(f"  {record['train']['seconds']} s, {record['accuracy']}", flush=True)


def search(name: str, args: argparse.Namespace) -> Genotype:
    """Search with a strategy; print where it ended."""
    preset = "tiny" if args.tiny else args.preset or f"{name}-paper"
    settings = TINY_SEARCHES[name] if args.tiny else PRESETS[preset]
    if args.short:
        settings = replace(settings, **SHORT, warm_up=min(settings.warm_up, 1))
    found = gradient_search(
        GRADIENT_CLASSES[name](),
        args.images,
        settings=settings,
        seed=args.seed,
        device=args.device,
        out=args.out / name,
        data_dir=args.data_dir,
    )
    collapse = found.collapses or "no collapse"
    print(f"{name}, {preset}: {found.document['seconds']} s, {collapse}")
    print(f"  {found.genotype}", flush=True)
    assert found.genotype is not None
    return found.genotype


def train(genotype: Genotype, recipe: str, args: argparse.Namespace) -> dict[str, Any]:
    """Train by a recipe and attack."""
    return verify(
        genotype,
        RECIPES[recipe],
        args.images,
        attacks=args.attacks,
        device=args.device,
        seed=args.seed,
        out=args.out / "records.jsonl",
        epochs=args.epochs,
        channels=args.channels,
        cells=args.cells,
        n_images=args.n_images,
        n_test=args.n_test,
        image_size=args.image_size,
        data_dir=args.data_dir,
    )


def count_parameters(genotype: Genotype, channels: int, cells: int) -> int:
    """Return the parameters of a network for ten classes, without the auxiliary classifier."""
    network = build_genotype_network(genotype, channels=channels, cells=cells)
    return sum(parameter.numel() for parameter in network.parameters())


if __name__ == "__main__":
    main()

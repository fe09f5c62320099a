"""The papers' search settings, and the networks that come out of them, trained and attacked.

    python experiments/differentiable/gpu.py --images cifar10 --out runs/gpu
    python experiments/differentiable/gpu.py --smoke      # seconds on a CPU, noise for images

For each of dsrna and arnas: one search over its own cells with its paper's settings (preset
``dsrna-paper``, ``arnas-paper``), seconds and genotype; then the network of 20 cells, adversarially
trained for ``--epochs`` epochs (the papers: 600 clean ones and 200 of PGD-7), attacked. Resumable
search by search; writes ``OUT/<strategy>/record.json``.
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from surrobust._files import write_json
from surrobust.attacks import ATTACKS
from surrobust.differentiable import METHODS, PRESETS, gradient_search
from surrobust.differentiable.batches import shift_and_mirror
from surrobust.images import ImageSet, load_images
from surrobust.networks import NORMALISATIONS, build_genotype_network, find_device

SIZES = {"dsrna": {"channels": 36, "cells": 20}, "arnas": {"channels": 64, "cells": 20}}
SMALL = {"channels": 2, "cells": 4}
BATCH, RATE, MOMENTUM, DECAY, CLIP = 64, 0.1, 0.9, 1e-4, 5.0
AUXILIARY = 0.4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", default="cifar10")
    parser.add_argument("--data-dir")
    parser.add_argument("--out", type=Path, default=Path("runs/differentiable"))
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--attacks", nargs="+", default=["fgsm", "pgd", "autoattack"])
    parser.add_argument("--smoke", action="store_true")
    args = parser.parse_args()
    if args.smoke:
        args.images, args.epochs, args.device, args.attacks = "random", 1, "cpu", ["fgsm", "pgd"]
    for name in ("dsrna", "arnas"):
        record = run(name, args)
        if not args.smoke:
            write_json(args.out / name / "record.json", record)
        print(record)


def run(name: str, args: argparse.Namespace) -> dict:
    """Search, train, attack."""
    preset = "darts-smoke" if args.smoke else f"{name}-paper"
    found = gradient_search(
        METHODS[name](),
        args.images,
        settings=PRESETS[preset],
        seed=args.seed,
        device=args.device,
        out=None if args.smoke else args.out / name,
        data_dir=args.data_dir,
    )
    limit = 64 if args.smoke else None
    train, test = (
        load_images(args.images, split=s, limit=limit, seed=args.seed, data_dir=args.data_dir)
        for s in ("train", "test")
    )
    device = find_device(args.device)
    network = build_genotype_network(
        found.genotype,
        **(SMALL if args.smoke else SIZES[name]),
        classes=len(train.classes),
        auxiliary=train.image_size == 32,
        normalisation=NORMALISATIONS.get(train.name, train.statistics),
        generator=torch.Generator().manual_seed(args.seed),
    ).to(device)
    begun = time.perf_counter()
    fit(network, train, args.epochs, args.seed, device)
    seconds = time.perf_counter() - begun
    return {
        "strategy": name,
        "preset": preset,
        "seed": args.seed,
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        "torch": torch.__version__,
        "search_seconds": found.document["seconds"],
        "genotype": str(found.genotype),
        "collapse": found.document["collapse"],
        "parameters": sum(p.numel() for n, p in network.named_parameters() if "auxil" not in n),
        "epochs": args.epochs,
        "train_seconds": round(seconds, 1),
        "accuracy": attack(network, test, args.attacks, device),
    }


def fit(network, images: ImageSet, epochs: int, seed: int, device: torch.device) -> None:
    """Adversarial training as ARNAS evaluates: SGD, tenfold less at half and three quarters.

    Unlike there, images are not cut out, and the batch is 64, not 32.
    """
    sgd = torch.optim.SGD(network.parameters(), lr=RATE, momentum=MOMENTUM, weight_decay=DECAY)
    marks = [math.ceil(epochs / 2), math.ceil(3 * epochs / 4)]
    schedule = torch.optim.lr_scheduler.MultiStepLR(sgd, marks, 0.1)
    for epoch in range(epochs):
        order = np.random.default_rng([seed, epoch]).permutation(len(images))
        for number, start in enumerate(range(0, len(order) - BATCH + 1, BATCH)):
            rng = np.random.default_rng([seed, epoch, number])
            x, y = take(images, order[start : start + BATCH], device)
            x = shift_and_mirror(x, rng)
            pgd = ATTACKS["pgd"](8 / 255, steps=7, step_size=0.01, seed=int(rng.integers(2**31)))
            logits, extra = network.both(pgd(network, x, y))
            loss = functional.cross_entropy(logits, y)
            if extra is not None:
                loss = loss + AUXILIARY * functional.cross_entropy(extra, y)
            sgd.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP)
            sgd.step()
        schedule.step()


def attack(network, images: ImageSet, names: list[str], device: torch.device) -> dict[str, float]:
    """Accuracy on clean images and under attacks of 8/255."""
    network.eval()
    right = dict.fromkeys(["clean", *names], 0)
    for start in range(0, len(images), 4 * BATCH):
        rows = np.arange(start, min(start + 4 * BATCH, len(images)))
        x, y = take(images, rows, device)
        for name in right:
            found = x if name == "clean" else ATTACKS[name](8 / 255)(network, x, y)
            with torch.no_grad():
                right[name] += int((network(found).argmax(1) == y).sum())
    return {name: count / len(images) for name, count in right.items()}


def take(images: ImageSet, rows: np.ndarray, device: torch.device):
    """Return images and classes of some rows."""
    x = torch.from_numpy(images.x[rows]).to(device).float() / 255
    return x, torch.from_numpy(images.y[rows]).to(device)


if __name__ == "__main__":
    main()

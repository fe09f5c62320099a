"""How tight are ranges by intervals, and by linear functions of the pixels, and what do they cost?

    python experiments/differentiable/ranges.py --images DIR [--smoke]

The supernet of this experiment as a search begins with it, a cell trained as briefly as
the supernet is, and a plain network of two convolutions trained against one-step attacks on
handwritten digits. Seed 100. Writes ``ranges.csv``.
"""

import argparse
import csv
import io
import time
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from surrobust._files import write_text
from surrobust.attacks import FGSM, PGD
from surrobust.certificates import RANGES, Box, margin_bounds
from surrobust.differentiable import PRESETS
from surrobust.differentiable.batches import Halves
from surrobust.differentiable.descent import calibrate
from surrobust.differentiable.supernets import build_cell_supernet
from surrobust.images import load_images
from surrobust.networks import build_network
from surrobust.spaces import Architecture

HERE = Path(__file__).parent
SEED = 100
SETTINGS = replace(PRESETS["cpu"], limit=1024, epochs=3)
FIELDS = ("network", "epsilon * 255", "ranges", "images", "right", "attacked", "certified")
FIELDS = (*FIELDS, "margin", "bound", "first", "last", "seconds")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", default="cifar10")
    parser.add_argument("--smoke", action="store_true", help="one step of training, no file")
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for name, network, x, y, epsilons in cases(args):
        for epsilon in epsilons:
            for ranges in RANGES:
                rows.append({"network": name, **measure(network, x, y, epsilon, ranges)})
                print(rows[-1], flush=True)
    if not args.smoke:
        text = io.StringIO()
        writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(HERE / "ranges.csv", text.getvalue())


def cases(args: argparse.Namespace):
    """Yield networks, images that they were not fitted to, and radii."""
    epochs = 1 if args.smoke else SETTINGS.epochs
    halves = load(args.images, SETTINGS.image_size, SETTINGS.limit)
    held = halves.held(0)
    classes = int(held.y.max()) + 1
    sizes = {"channels": SETTINGS.channels, "cells": SETTINGS.cells, "classes": classes}
    supernet = build_cell_supernet(**sizes, generator=seeded())
    calibrate(supernet, halves.fit(0).x)
    yield "supernet, untrained", supernet, held.x[:2], held.y[:2], (0.125 / 255, 1 / 255, 4 / 255)
    cell = build_network(
        Architecture.parse("323133"), image_size=SETTINGS.image_size, **sizes, generator=seeded()
    )
    train(cell, halves, epochs, None)
    yield "cell 323133, trained", cell, held.x[:8], held.y[:8], (1 / 255,)
    digits = load("digits", 8, None)
    plain = convolutions(int(digits.fit(0).x.shape[1]))
    train(plain, digits, 1 if args.smoke else 15, FGSM(0.1))
    many = [digits.held(step) for step in range(4)]
    x, y = torch.cat([batch.x for batch in many]), torch.cat([batch.y for batch in many])
    yield "two convolutions, digits", plain, x, y, (8 / 255, 16 / 255, 0.1)


def load(images: str, size: int, limit: int | None) -> Halves:
    found = load_images(images, image_size=size, limit=limit, seed=SEED)
    place = torch.device("cpu")
    return Halves(found, batch=SETTINGS.batch, augment=False, seed=SEED, device=place)


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(SEED)


def convolutions(channels: int) -> nn.Module:
    with torch.device("meta"):
        network = nn.Sequential(
            nn.Conv2d(channels, 16, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 16, 4, 2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(256, 64),
            nn.ReLU(),
            nn.Linear(64, 10),
        )
    network.to_empty(device="cpu")
    generator = seeded()
    for module in network:
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_uniform_(module.weight, nonlinearity="relu", generator=generator)
            nn.init.zeros_(module.bias)
    return network


def train(network: nn.Module, halves: Halves, epochs: int, attack) -> None:
    """Fit to half of the images, as the supernet is fitted."""
    network.train()
    total = epochs * halves.steps
    sgd = torch.optim.SGD(network.parameters(), SETTINGS.weight_rate, 0.9, weight_decay=3e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(sgd, total, SETTINGS.weight_rate_end)
    for step in range(total):
        batch = halves.fit(step)
        x = batch.x if attack is None else attack(network, batch.x, batch.y)
        sgd.zero_grad()
        functional.cross_entropy(network(x), batch.y).backward()
        nn.utils.clip_grad_norm_(network.parameters(), SETTINGS.clip)
        sgd.step()
        schedule.step()


def measure(network: nn.Module, x: Tensor, y: Tensor, epsilon: float, ranges: str) -> dict:
    """Return margins and their bounds, widths of the first and last range, seconds per image."""
    network.eval()
    box = Box.around(x, epsilon)
    found = RANGES[ranges](network, box)
    widths = [float((upper - lower).mean()) for lower, upper in found.values()]
    begun = time.process_time()
    bounds = margin_bounds(network, box, y, ranges=ranges, known=True).min(1).values
    seconds = (time.process_time() - begun) / len(x)
    attacked = PGD(epsilon, steps=20)(network, x, y)
    with torch.no_grad():
        margins = least_margins(network(x), y)
        left = least_margins(network(attacked), y)
    shares = {"right": margins, "attacked": left, "certified": bounds}
    row = {"epsilon * 255": f"{epsilon * 255:g}", "ranges": ranges, "images": len(x)}
    row |= {name: f"{float((value > 0).float().mean()):.3f}" for name, value in shares.items()}
    row |= {"margin": f"{float(margins.mean()):.3g}", "bound": f"{float(bounds.mean()):.4g}"}
    row |= {"first": f"{widths[0]:.3g}", "last": f"{widths[-1]:.3g}"}
    return row | {"seconds": f"{seconds:.2g}"}


def least_margins(logits: Tensor, y: Tensor) -> Tensor:
    own = logits.gather(1, y[:, None])
    return own[:, 0] - logits.scatter(1, y[:, None], -torch.inf).amax(1)


if __name__ == "__main__":
    main()

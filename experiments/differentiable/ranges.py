"""How tight are ranges by intervals, and by linear functions of the pixels, and what do they cost?

The supernet of this experiment as a search begins with it, a cell trained as briefly as the
supernet is, and a plain network of two convolutions trained against one-step attacks on handwritten
digits. Seed 100.
"""

import csv
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional

from experiments.differentiable.searches import SETTINGS
from experiments.frame import Experiment, Key, Lines
from experiments.markdown import table
from surrobust.attacks import FGSM, PGD, AbstractAttack
from surrobust.certificates import RANGES, Box, margin_bounds
from surrobust.differentiable.batches import Halves
from surrobust.differentiable.descent import calibrate
from surrobust.differentiable.supernets import build_cell_supernet
from surrobust.images import load_images
from surrobust.networks import build_network
from surrobust.spaces import Architecture

SEED = 100
SUPERNET, CELL, DIGITS = "supernet, untrained", "cell 323133, trained", "two convolutions, digits"
EPSILONS = {
    SUPERNET: (0.125 / 255, 1 / 255, 4 / 255),
    CELL: (1 / 255,),
    DIGITS: (8 / 255, 16 / 255, 0.1),
}
"""Radii by network."""


@dataclass(frozen=True)
class Row:
    network: str
    epsilon_255: Annotated[float, "g"]
    ranges: str
    images: int
    right: Annotated[float, ".3f"]
    attacked: Annotated[float, ".3f"]
    certified: Annotated[float, ".3f"]
    margin: Annotated[float, ".3g"]
    bound: Annotated[float, ".4g"]
    first: Annotated[float, ".3g"]
    last: Annotated[float, ".3g"]
    seconds: Annotated[float, ".2g"]


def keys(networks: tuple[str, ...] = tuple(EPSILONS)) -> Iterator[Key]:
    yield from ((name,) for name in networks)


def measure(network: str, *, images: str = "cifar10", brief: bool = False) -> Iterator[Row]:
    """Judge one network by every radius and kind of ranges; ``brief`` trains it for one epoch."""
    torch.set_num_threads(1)
    module, x, y = case(network, images, brief)
    for epsilon, ranges in product(EPSILONS[network], RANGES):
        yield Row(network, epsilon * 255, ranges, len(x), *judge(module, x, y, epsilon, ranges))


def case(name: str, images: str, brief: bool) -> tuple[nn.Module, Tensor, Tensor]:
    """Return a network, and images that it was not fitted to."""
    if name == DIGITS:
        halves = load("digits", 8, None)
        plain = convolutions(int(halves.fit(0).x.shape[1]))
        train(plain, halves, 1 if brief else 15, FGSM(0.1))
        many = [halves.held(step) for step in range(4)]
        return plain, torch.cat([b.x for b in many]), torch.cat([b.y for b in many])
    halves = load(images, SETTINGS.image_size, SETTINGS.limit)
    held = halves.held(0)
    classes = int(held.y.max()) + 1
    sizes = {"channels": SETTINGS.channels, "cells": SETTINGS.cells, "classes": classes}
    if name == SUPERNET:
        supernet = build_cell_supernet(**sizes, generator=seeded())
        calibrate(supernet, halves.fit(0).x)
        return supernet, held.x[:2], held.y[:2]
    cell = Architecture.parse("323133")
    network = build_network(cell, image_size=SETTINGS.image_size, **sizes, generator=seeded())
    train(network, halves, 1 if brief else SETTINGS.epochs, None)
    return network, held.x[:8], held.y[:8]


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


def train(network: nn.Module, halves: Halves, epochs: int, attack: AbstractAttack | None) -> None:
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


def judge(
    network: nn.Module, x: Tensor, y: Tensor, epsilon: float, ranges: str
) -> tuple[float, ...]:
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
    shares = (float((value > 0).float().mean()) for value in (margins, left, bounds))
    means = float(margins.mean()), float(bounds.mean())
    return *shares, *means, widths[0], widths[-1], seconds


def least_margins(logits: Tensor, y: Tensor) -> Tensor:
    own = logits.gather(1, y[:, None])
    return own[:, 0] - logits.scatter(1, y[:, None], -torch.inf).amax(1)


def tables(rows: list[Row]) -> Lines:
    """All of it, as the file has it."""
    lines = list(csv.reader(experiment.text(rows).splitlines()))[1:]
    heads = ["network", "ε · 255", "ranges", "images", "right", "under PGD-20", "certified"]
    more = ["margin", "its bound", "width: first range", "last range", "s per image"]
    return table([*heads, *more], lines)


experiment = Experiment(
    __doc__,
    Path(__file__).with_name("ranges.csv"),
    Row,
    keys,
    measure,
    lambda rows: {"ranges": tables(rows)},
    smoke={"networks": [DIGITS], "brief": True},
    order=lambda row: list(EPSILONS).index(row.network),
)

if __name__ == "__main__":
    experiment.main()

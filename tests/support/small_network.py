"""A small network that withstands some of what the attacks do, the same on every machine.

Sums round otherwise on another processor, and training amplifies it: networks trained on the spot
are other networks on other machines, and so is every number measured of them. Its weights are
therefore committed; ``python tests/support/small_network.py`` trains them anew and writes them.
"""

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from surrobust.attacks import PGD
from surrobust.images import load_images

WEIGHTS = Path(__file__).parent / "weights" / "small_network.safetensors"


def digits(split: str, limit: int | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """Digits of one channel and 8 x 8 pixels, and their classes."""
    images = load_images("digits", split=split, limit=limit)
    return torch.from_numpy(images.x[:, :1]).float() / 255, torch.from_numpy(images.y)


def build() -> nn.Sequential:
    """Ten classes, 4434 parameters."""
    return nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(12, 16, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(256, 10),
    )


def load() -> nn.Sequential:
    """The trained network, in evaluation mode and without gradients of its weights."""
    network = build()
    network.load_state_dict(load_file(WEIGHTS))
    return network.eval().requires_grad_(False)


def train() -> nn.Sequential:
    """Six epochs against PGD, in seconds."""
    x, y = digits("train")
    torch.manual_seed(0)
    network = build()
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    attack = PGD(epsilon=0.1, steps=3)
    rng = np.random.default_rng(0)
    for _ in range(6):
        for batch in np.array_split(rng.permutation(len(y)), 12):
            attacked = attack(network, x[batch], y[batch], checks=False)
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(attacked), y[batch]).backward()
            optimizer.step()
    return network


if __name__ == "__main__":
    save_file(train().state_dict(), WEIGHTS)

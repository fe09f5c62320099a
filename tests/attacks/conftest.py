"""A small network that withstands some of what the attacks do."""

import numpy as np
import pytest
import torch
from torch import nn

from surrobust.attacks import PGD
from surrobust.images import load_images


@pytest.fixture(scope="session")
def trained() -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    """A network of 10 classes trained against PGD in seconds, and 320 test digits."""
    digits = load_images("digits", split="train")
    x, y = torch.from_numpy(digits.x[:, :1]).float() / 255, torch.from_numpy(digits.y)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(12, 16, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(256, 10),
        )
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    attack = PGD(epsilon=0.1, steps=3)
    rng = np.random.default_rng(0)
    for _ in range(6):
        for batch in np.array_split(rng.permutation(len(y)), 12):
            attacked = attack(network, x[batch], y[batch], checks=False)
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(attacked), y[batch]).backward()
            optimizer.step()
    network.eval().requires_grad_(False)
    test = load_images("digits", split="test", limit=320)
    return network, torch.from_numpy(test.x[:, :1]).float() / 255, torch.from_numpy(test.y)

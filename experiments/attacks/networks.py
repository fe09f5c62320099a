"""The sets of images and the small networks that are attacked on them."""

from functools import cache
from typing import Annotated

import numpy as np
import torch
from torch import Tensor, nn

from surrobust.attacks import PGD
from surrobust.errors import InvalidInputError
from surrobust.images import load_images

Shortest = Annotated[float, ""]
"""A rounded number, written with no more digits than it has."""
SETS = {  # images: radius by norm, test images, test images of the slow attacks
    "digits": ({"Linf": 0.15, "L2": 0.8}, 360, 60),
    "cifar10-jpeg": ({"Linf": 2 / 255, "L2": 0.25}, 400, 30),
}
NORMS = ("Linf", "L2")
TRAINED_ON = {"digits": (1437, 0.1), "cifar10-jpeg": (3000, 1 / 255)}
"""How many images, and the radius."""

Attacked = tuple[nn.Module, Tensor, Tensor]


@cache
def load_attacked(name: str, folder: str | None, trained_on: int) -> Attacked:
    """Return a network, test images and their classes; ``trained_on`` 0 is as many as reported."""
    if name != "digits" and folder is None:
        msg = "--folder: expected CIFAR-10 as a folder by class, got nothing"
        raise InvalidInputError(msg)
    torch.set_num_threads(1)

    def load(split: str, most: int) -> tuple[Tensor, Tensor]:
        found = load_images(name if name == "digits" else folder, split=split, limit=most)
        return torch.from_numpy(found.x).float() / 255, torch.from_numpy(found.y)

    most, epsilon = TRAINED_ON[name]
    network = train_network(*load("train", trained_on or most), epsilon=epsilon)
    return network, *load("test", 400)


def train_network(x: Tensor, y: Tensor, *, epsilon: float) -> nn.Module:
    """Train a small network against PGD; seeds fixed."""
    torch.manual_seed(0)
    side = x.shape[-1] // 4
    network = nn.Sequential(
        nn.Conv2d(3, 12, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(12, 24, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(24, 24, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(24 * side**2, 10),
    )
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    attack, rng = PGD(epsilon, steps=2, step_size=epsilon), np.random.default_rng(0)
    for _ in range(10):
        for batch in np.array_split(rng.permutation(len(y)), max(1, len(y) // 50)):
            attacked = attack(network, x[batch], y[batch], checks=False)
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(attacked), y[batch]).backward()
            optimizer.step()
    return network.eval().requires_grad_(False)

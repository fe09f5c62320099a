"""Random networks of everything that can be bounded."""

import pytest
import torch
from torch import nn

from surrobust.networks.blocks import Pool, Rectifier


class Mixture(nn.Module):
    """Three ways from input to output with weights, as an edge of a supernet has them."""

    def __init__(self, channels: int, weights: list[float]) -> None:
        super().__init__()
        self.rectify = Rectifier()
        self.separable = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=2, dilation=2, groups=channels, bias=False),
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels, affine=False),
        )
        self.largest = nn.MaxPool2d(3, 1, 1)
        self.average = Pool()
        self.weights = nn.Parameter(torch.tensor(weights))

    def forward(self, x):
        ways = (self.separable(self.rectify(x)), self.largest(x), self.average(x))
        return sum(w * way for w, way in zip(self.weights.softmax(0), ways, strict=True))


def _draw(seed: int, *, channels: int = 2, depth: int = 2, classes: int = 3, size: int = 4):
    """A random network of mixtures on square images, batch norm at random statistics."""
    generator = torch.Generator().manual_seed(seed)
    edges = [Mixture(channels, torch.randn(3, generator=generator).tolist()) for _ in range(depth)]
    network = nn.Sequential(
        nn.Conv2d(1, channels, 3, padding=1),
        *edges,
        nn.Flatten(),
        Rectifier(),
        nn.Linear(channels * size**2, classes),
    )
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                module.weight.normal_(0, 0.5, generator=generator)
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.3, generator=generator)
                module.running_var.uniform_(0.5, 2.0, generator=generator)
    return network.double().eval(), generator


def _least_margins(network, x, classes):
    logits = network(x)
    own = logits.gather(1, classes[:, None])
    return (own - logits.scatter(1, classes[:, None], -torch.inf)).min(1).values


@pytest.fixture(scope="session")
def draw_network():
    return _draw


@pytest.fixture(scope="session")
def least_margins():
    return _least_margins

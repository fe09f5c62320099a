"""A network small enough for a pencil, and a probe around it."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from surrobust.networks.blocks import Rectifier
from surrobust.networks.normalisation import Normalise
from surrobust.proxies import Probe
from surrobust.spaces import Architecture


class PencilNetwork(nn.Module):
    """ReLU, then a linear map of all pixels to the logits."""

    def __init__(self, weight: list[list[float]], readers: int = 1) -> None:
        super().__init__()
        self.architecture = Architecture.parse("323133")
        self.sizes = {"channels": 1, "cells": 1, "classes": len(weight)}
        self.normalise = Normalise(1)
        self.rectify = Rectifier(readers)
        self.linear = nn.Linear(len(weight[0]), len(weight), bias=False)
        self.linear.weight.data = torch.tensor(weight)

    def features(self, x: Tensor) -> Tensor:
        return self.rectify(self.normalise(x))

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.features(x).flatten(1))

    def layers(self) -> list[nn.Linear]:
        return [self.linear]

    def live_layers(self) -> list[nn.Linear]:
        return self.layers()


@pytest.fixture
def pencil() -> Callable[..., Probe]:
    """A probe of the small network: weights, rows of pixels, labels."""

    def make(
        weight: list[list[float]],
        pixels: list[list[float]],
        labels: list[int],
        readers: int = 1,
    ) -> Probe:
        x = torch.tensor(pixels)[:, None, None, :]
        return Probe(PencilNetwork(weight, readers), x, torch.tensor(labels))

    return make

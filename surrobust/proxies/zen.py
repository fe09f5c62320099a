"""Proxy ``zen``."""

import torch
from torch import nn

from ..networks import CellNetwork
from .base import AbstractProxy
from .probe import Probe

_STEP = 1e-2
_MOMENTUM = 0.1


class Zen(AbstractProxy):
    """Zen score: how far the features of a Gaussian network move with its input.

    With weights and inputs from N(0, 1), ``log mean_n ||f(x) - f(x + 0.01 x')||_1`` of the features
    before the global pool, plus ``sum_BN log sqrt(mean running variance)`` after the two passes,
    which undoes what batch norm scales away (Lin et al., "Zen-NAS: A Zero-Shot NAS for
    High-Performance Image Recognition", ICCV 2021, algorithm 1; the 1-norm, the running variances
    and the two passes as in the authors' code and NAS-Bench-Suite-Zero's). It reads no images.
    """

    name = "zen"

    def _score(self, probe: Probe) -> float:
        generator = probe.generator(self.name)
        network = probe.copy()
        redraw(network, generator)
        shape = probe.x.shape
        x, other = (torch.randn(shape, generator=generator).to(probe.x) for _ in range(2))
        layout = torch.channels_last if x.device.type == "cpu" else torch.preserve_format
        x, other = x.contiguous(memory_format=layout), other.contiguous(memory_format=layout)
        with torch.no_grad():
            moved = network.features(x) - network.features(x + _STEP * other)
            distance = moved.abs().sum(dim=(1, 2, 3)).mean()
            return float(distance.log()) + _log_scales(network)


@torch.no_grad()
def redraw(network: CellNetwork, generator: torch.Generator) -> None:
    """Draw weights from N(0, 1), set biases to zero, reset batch norm, normalise nothing."""
    channels = len(network.normalise.mean)
    network.normalise.set_statistics(((0.0,) * channels, (1.0,) * channels))
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.weight.copy_(torch.randn(module.weight.shape, generator=generator))
            if module.bias is not None:
                module.bias.zero_()
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = _MOMENTUM


def _log_scales(network: CellNetwork) -> float:
    return sum(
        float(module.running_var.mean().sqrt().log())
        for module in network.modules()
        if isinstance(module, nn.BatchNorm2d) and module.running_var is not None
    )

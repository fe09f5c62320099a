"""Intervals forward through a network: the range of what enters each ReLU and maximum."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..networks.blocks import Rectifier
from ..networks.normalisation import Normalise
from .box import Box

Forward = Callable[[Tensor], Tensor]

Ranges = dict[nn.Module, tuple[Tensor, Tensor]]
"""Lower and upper bounds of what enters a module."""

AFFINE = (nn.Conv2d, nn.Linear, nn.BatchNorm2d, Normalise)
"""Modules that map intervals by their absolute weights."""


def interval_ranges(network: nn.Module, box: Box, *, differentiable: bool = False) -> Ranges:
    """Return bounds of what enters each ReLU and max pool, by interval arithmetic.

    Gowal et al., "Scalable Verified Training for Provably Robust Image Classification" (ICCV 2019).
    Centres and radii go through the network as one batch: averages, concatenations and sums with
    weights that are not negative treat both alike, the layers replaced here do not.

    Args:
        network: In evaluation mode; each ReLU and max pool is called once.
        box: n boxes.
        differentiable: Whether the bounds keep their graph.
    """
    ranges: Ranges = {}
    with (
        torch.set_grad_enabled(differentiable),
        replaced(network, lambda module: _interval_forward(module, ranges)),
    ):
        network(torch.cat([box.centre, box.radius]))
    return ranges


def _interval_forward(module: nn.Module, ranges: Ranges) -> Forward | None:
    """Return how a layer maps centres and radii, None where as any batch."""

    def monotone(both: Tensor) -> Tensor:
        centre, radius = both.chunk(2)
        lower, upper = centre - radius, centre + radius
        ranges[module] = (lower, upper)
        lower, upper = type(module).forward(module, lower), type(module).forward(module, upper)
        return torch.cat([(lower + upper) / 2, (upper - lower) / 2])

    def affine(both: Tensor) -> Tensor:
        centre, radius = both.chunk(2)
        return torch.cat([type(module).forward(module, centre), _spread(module, radius)])

    if isinstance(module, Rectifier | nn.MaxPool2d):
        return monotone
    return affine if isinstance(module, AFFINE) else None


def _spread(module: nn.Module, radius: Tensor) -> Tensor:
    """Return the radius behind an affine layer: absolute weights, no bias."""
    if isinstance(module, nn.Conv2d):
        return functional.conv2d(
            radius,
            module.weight.abs(),
            None,
            module.stride,
            module.padding,
            module.dilation,
            module.groups,
        )
    if isinstance(module, nn.Linear):
        return radius @ module.weight.abs().T
    if isinstance(module, nn.BatchNorm2d):
        assert module.running_var is not None
        scale = 1 / (module.running_var + module.eps).sqrt()
        if module.affine:
            scale = scale * module.weight.abs()
        return radius * scale[:, None, None]
    assert isinstance(module, Normalise)
    return radius / module.deviation


@contextmanager
def replaced(
    network: nn.Module, forward_of: Callable[[nn.Module], Forward | None]
) -> Iterator[None]:
    """Replace the forward of some modules for a while."""
    changed = []
    try:
        for module in network.modules():
            forward = forward_of(module)
            if forward is not None:
                module.forward = forward
                changed.append(module)
        yield
    finally:
        for module in changed:
            del module.forward

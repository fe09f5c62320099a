"""Intervals forward through a network: the range of what enters each ReLU and maximum."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import InvalidInputError
from ..networks.blocks import Rectifier
from ..networks.normalisation import Normalise
from .box import Box

Forward = Callable[[Tensor], Tensor]

Ranges = dict[nn.Module, tuple[Tensor, Tensor]]
"""Lower and upper bounds of what enters a module."""

AFFINE = (nn.Conv2d, nn.Linear, nn.BatchNorm2d, Normalise)
"""Modules that map intervals by their absolute weights."""

BENT = (Rectifier, nn.ReLU, nn.MaxPool2d)
"""Modules that are piecewise linear and never fall where their input rises."""


def interval_ranges(network: nn.Module, box: Box, *, differentiable: bool = False) -> Ranges:
    """Return bounds of what enters each ReLU and max pool, by interval arithmetic.

    Gowal et al., "Scalable Verified Training for Provably Robust Image Classification" (ICCV 2019).
    Centres and radii go through the network as one batch: averages, concatenations and sums with
    weights that are not negative treat both alike, the layers replaced here do not.

    Args:
        network: In evaluation mode; each ReLU and max pool is called once.
        box: n boxes.
        differentiable: Whether the bounds keep their graph.

    Raises:
        InvalidInputError: If a ReLU or max pool is called twice.
    """
    ranges: Ranges = {}
    with (
        torch.set_grad_enabled(differentiable),
        replaced(network, lambda module: _interval_forward(module, ranges)),
    ):
        # (2n, c, h, w): each layer takes the batch apart again.
        network(torch.cat([box.centre, box.radius]))
    return ranges


def record(ranges: Ranges, module: nn.Module, lower: Tensor, upper: Tensor) -> None:
    """Note what enters a module.

    Raises:
        InvalidInputError: If it was called before: it has no range of its own.
    """
    if module in ranges:
        msg = "network: expected each ReLU and maximum to be called once, got more calls"
        raise InvalidInputError(msg)
    ranges[module] = (lower, upper)


def _interval_forward(module: nn.Module, ranges: Ranges) -> Forward | None:
    """Return how a layer maps centres and radii, None where as any batch."""

    def monotone(both: Tensor) -> Tensor:
        centre, radius = both.chunk(2)
        lower, upper = centre - radius, centre + radius
        record(ranges, module, lower, upper)
        lower, upper = bend(module, lower), bend(module, upper)
        return torch.cat([(lower + upper) / 2, (upper - lower) / 2])

    if isinstance(module, BENT):
        return monotone
    return affine_forward(module) if isinstance(module, AFFINE) else None


def affine_forward(module: nn.Module) -> Forward:
    """Return how an affine layer maps centres and radii."""

    def affine(both: Tensor) -> Tensor:
        centre, radius = both.chunk(2)
        mapped = type(module).forward(module, centre)
        # Around W c + b the radius is |W| r: at worst each input adds to the one side.
        return torch.cat([mapped, without_offset(module, radius, absolute=True)])

    return affine


def bend(module: nn.Module, x: Tensor) -> Tensor:
    """Return a ReLU or maximum, in a new tensor."""
    # Not the module's own ReLU, which may write into the bounds that were recorded.
    return type(module).forward(module, x) if isinstance(module, nn.MaxPool2d) else x.clamp_min(0)


def without_offset(module: nn.Module, x: Tensor, *, absolute: bool) -> Tensor:
    """Return the linear part of an affine layer: its weights or their absolute values, no bias."""
    # ``contiguous`` changes no value; it stands in the place of ``abs``.
    take = torch.abs if absolute else torch.Tensor.contiguous
    if isinstance(module, nn.Conv2d):
        return functional.conv2d(
            x,
            take(module.weight),
            None,
            module.stride,
            module.padding,
            module.dilation,
            module.groups,
        )
    if isinstance(module, nn.Linear):
        return x @ take(module.weight).T
    if isinstance(module, nn.BatchNorm2d):
        assert module.running_var is not None
        scale = 1 / (module.running_var + module.eps).sqrt()
        if module.affine:
            scale = scale * take(module.weight)
        return x * scale[:, None, None]
    assert isinstance(module, Normalise)
    # Deviations are positive, and the mean is an offset.
    return x / module.deviation


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
            # The attribute hid the class's own method.
            del module.forward

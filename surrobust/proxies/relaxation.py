"""Linear bounds on what a network does within a box of pixels.

Intervals go forward through the network (Gowal et al., "Scalable Verified Training for Provably
Robust Image Classification", ICCV 2019) and give every ReLU its range; a linear lower bound then
comes backward from the output, each ReLU between its chord and a line through zero (Zhang, Weng,
Chen, Hsieh & Daniel, "Efficient Neural Network Robustness Certification with General Activation
Functions", NeurIPS 2018; CNN-Cert, AAAI 2019). Convolutions, pools, sums and frozen batch norm are
linear and need no relaxation.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..networks.blocks import Rectifier
from ..networks.normalisation import Normalise

Forward = Callable[[Tensor], Tensor]


@dataclass
class Box:
    """A box of pixels around each image.

    Args:
        centre: ``(n, c, h, w)``.
        radius: Of the same shape, not negative.
    """

    centre: Tensor
    radius: Tensor

    @classmethod
    def around(cls, x: Tensor, epsilon: float) -> "Box":
        """Return what lies within ``epsilon`` (Linf) of images and within [0, 1]."""
        lower, upper = (x - epsilon).clamp_min(0), (x + epsilon).clamp_max(1)
        return cls((lower + upper) / 2, (upper - lower) / 2)


@dataclass
class _Ledger:
    """What the relaxed ReLUs add to the value at the centre, ``(n,)``; filled on the way back."""

    correction: Any = field(default=0.0)


def margin_bounds(network: nn.Module, box: Box, classes: Tensor) -> Tensor:
    """Return lower bounds, over the box, of a class's logit minus each other one.

    Args:
        network: In evaluation mode, piecewise linear.
        box: n boxes.
        classes: The class of each image, ``(n,)``.

    Returns:
        ``(n, K - 1)``, the other classes in ascending order.
    """
    ranges = interval_ranges(network, box)
    ledger = _Ledger()
    x = box.centre.detach().requires_grad_()
    with relaxed(network, ranges, ledger):
        logits = network(x)
    others = _others(classes, logits.shape[1])
    margins = logits.gather(1, classes[:, None]) - logits.gather(1, others)
    bounds = []
    for margin in margins.T:
        ledger.correction = 0.0
        (slope,) = torch.autograd.grad(margin.sum(), x, retain_graph=True, materialize_grads=True)
        loss = (box.radius * slope.abs()).flatten(1).sum(1)
        bounds.append(margin.detach() + ledger.correction - loss)
    return torch.stack(bounds, dim=1)


def _others(classes: Tensor, n_classes: int) -> Tensor:
    """Return for each image the classes that are not its own, ``(n, K - 1)``."""
    every = torch.arange(n_classes - 1, device=classes.device)[None, :]
    return every + (every >= classes[:, None])


@torch.no_grad()
def interval_ranges(network: nn.Module, box: Box) -> dict[nn.Module, tuple[Tensor, Tensor]]:
    """Return lower and upper bounds of what enters each ReLU, by interval arithmetic.

    Centres and radii go through the network as one batch: pools, sums and means treat both alike,
    the layers replaced here do not.
    """
    ranges: dict[nn.Module, tuple[Tensor, Tensor]] = {}
    with replaced(network, lambda module: _interval_forward(module, ranges)):
        network(torch.cat([box.centre, box.radius]))
    return ranges


def _interval_forward(
    module: nn.Module, ranges: dict[nn.Module, tuple[Tensor, Tensor]]
) -> Forward | None:
    """Return how a layer maps centres and radii, None where as any batch."""

    def rectify(both: Tensor) -> Tensor:
        centre, radius = both.chunk(2)
        lower, upper = centre - radius, centre + radius
        ranges[module] = (lower, upper)
        lower, upper = lower.clamp_min(0), upper.clamp_min(0)
        return torch.cat([(lower + upper) / 2, (upper - lower) / 2])

    def affine(both: Tensor) -> Tensor:
        centre, radius = both.chunk(2)
        return torch.cat([type(module).forward(module, centre), _spread(module, radius)])

    if isinstance(module, Rectifier):
        return rectify
    return affine if isinstance(module, _AFFINE) else None


_AFFINE = (nn.Conv2d, nn.Linear, nn.BatchNorm2d, Normalise)


def _spread(module: nn.Module, radius: Tensor) -> Tensor:
    """Return the radius behind an affine layer: absolute weights, no bias."""
    if isinstance(module, nn.Conv2d):
        return functional.conv2d(radius, module.weight.abs(), None, module.stride, module.padding)
    if isinstance(module, nn.Linear):
        return radius @ module.weight.abs().T
    if isinstance(module, nn.BatchNorm2d):
        assert module.running_var is not None
        scale = module.weight.abs() / (module.running_var + module.eps).sqrt()
        return radius * scale[:, None, None]
    assert isinstance(module, Normalise)
    return radius / module.deviation


@contextmanager
def relaxed(
    network: nn.Module, ranges: dict[nn.Module, tuple[Tensor, Tensor]], ledger: _Ledger
) -> Iterator[None]:
    """Let ReLUs pass values as they are and gradients as the coefficients of a linear bound."""

    def forward_of(module: nn.Module) -> Forward | None:
        if module not in ranges:
            return None
        lower, upper = ranges[module]
        return lambda x: _RelaxedReLU.apply(x, lower, upper, ledger)

    with replaced(network, forward_of):
        yield


class _RelaxedReLU(torch.autograd.Function):
    """ReLU forward; backward the linear function that bounds it, from below for what is wanted.

    Where a coefficient a of the output is negative, the bound is the chord
    ``u (z - l) / (u - l)``; where it is positive, ``z`` if u > -l, else zero. Replacing the ReLU
    changes the value at the centre by ``a * (bound(z) - relu(z))``, which the ledger sums up.
    """

    @staticmethod
    def forward(ctx: Any, z: Tensor, lower: Tensor, upper: Tensor, ledger: _Ledger) -> Tensor:
        ctx.save_for_backward(z, lower, upper)
        ctx.ledger = ledger
        return z.clamp_min(0)

    @staticmethod
    def backward(ctx: Any, *outputs: Tensor) -> Any:
        (a,) = outputs
        z, lower, upper = ctx.saved_tensors
        chord = upper.clamp_min(0) / (upper.clamp_min(0) - lower.clamp_max(0)).clamp_min(1e-300)
        chord = torch.where(lower >= 0, torch.ones_like(z), chord)
        below = (upper > -lower).to(z.dtype)
        below = torch.where(lower >= 0, torch.ones_like(z), below)
        below = torch.where(upper <= 0, torch.zeros_like(z), below)
        offset = torch.where(a < 0, -chord * lower.clamp_max(0), torch.zeros_like(z))
        slope = torch.where(a < 0, chord, below)
        change = a * (slope * z + offset - z.clamp_min(0))
        ctx.ledger.correction = ctx.ledger.correction + change.flatten(1).sum(1)
        return a * slope, None, None, None


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

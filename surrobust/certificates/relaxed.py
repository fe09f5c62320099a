"""Linear relaxation of a trained network."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from .._checks import check_integer
from ..errors import InvalidInputError
from ..networks.blocks import Pool, Rectifier
from ..networks.cell import Cell
from ..networks.darts_ops import StridedZero
from ..networks.network import CellNetwork
from ..relaxation import Box, interval_ranges, margin_bounds
from ..relaxation.intervals import AFFINE
from ..threat import ThreatModel

_KNOWN = (
    *AFFINE,
    Rectifier,
    Pool,
    Cell,  # one of zeros alone has no parts
    StridedZero,
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    nn.Flatten,
    nn.Identity,
    nn.Dropout,
)
"""Layers without parts that can be bounded."""

_ROUNDING = 1e-9
"""How far an affine network may be from affine, relative to its outputs."""


def certify_margins(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    epsilon: float,
    *,
    norm: str = "Linf",
    batch_size: int = 16,
) -> Tensor:
    """Return what each image's margin is at least, whatever an attacker does within a ball.

    The logit of the class minus the largest other one, by intervals forward and linear bounds
    backward (:mod:`surrobust.relaxation`, with the papers). Above 0 no attack can succeed. Bounds
    loosen by a factor per layer: they say something of small networks and radii. Computed in double
    precision on a copy; rounding is not accounted for.

    Args:
        network: Made of convolutions, linear layers, frozen batch norm, ReLU as modules, average
            and maximum pools, sums with weights that are not negative. Measured in evaluation mode.
        x: Images ``(n, c, h, w)`` in [0, 1].
        y: Their classes, ``(n,)`` int64.
        epsilon: Radius on the [0, 1] pixel scale.
        norm: ``Linf`` or ``L2``.
        batch_size: Images at a time.

    Returns:
        ``(n,)`` float64.

    Raises:
        InvalidInputError: If an argument is not what was expected, or the network has layers that
            cannot be bounded.
    """
    threat = ThreatModel(epsilon, norm)
    check_integer("batch_size", batch_size, minimum=1)
    copy = _prepare(network, x)
    bounds = [
        _bound(copy, images.double(), classes, threat)
        for images, classes in zip(x.split(batch_size), y.split(batch_size), strict=True)
    ]
    return torch.cat(bounds)


def certified_radii(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    norm: str = "Linf",
    largest: float = 0.5,
    steps: int = 10,
) -> Tensor:
    """Return the radius within which each image is certified to keep its class, ``(n,)`` float64.

    By bisection of :func:`certify_margins`, image by image; 0 where nothing is certified.

    Args:
        network: See :func:`certify_margins`.
        x: See :func:`certify_margins`.
        y: See :func:`certify_margins`.
        norm: See :func:`certify_margins`.
        largest: Radius that is not exceeded.
        steps: Halvings; radii are exact to ``largest`` / 2 ** ``steps``.
    """
    copy = _prepare(network, x)
    radii = []
    for image, label in zip(x.double().split(1), y.split(1), strict=True):
        low, high = 0.0, float(largest)
        for _ in range(check_integer("steps", steps, minimum=1)):
            middle = (low + high) / 2
            safe = bool(_bound(copy, image, label, ThreatModel(middle, norm)) > 0)
            low, high = (middle, high) if safe else (low, middle)
        radii.append(low)
    return torch.tensor(radii, dtype=torch.float64, device=x.device)


def _prepare(network: nn.Module, x: Tensor) -> nn.Module:
    """Return a copy in double precision whose every ReLU is a part of its own."""
    copy = deepcopy(network).double().eval().requires_grad_(False)
    if isinstance(copy, CellNetwork):
        copy.fold_norms(False)  # a folded kernel is not seen by what bounds layers
    _replace(copy, nn.ReLU, lambda _: Rectifier())
    for name, module in copy.named_modules():
        if not list(module.children()) and not isinstance(module, _KNOWN):
            known = ", ".join(sorted(kind.__name__ for kind in _KNOWN))
            msg = f"network: expected layers among {known}, ReLU; got {type(module).__name__}"
            raise InvalidInputError(f"{msg} at {name or 'its top'}")
    if any(count > 1 for count in _count_calls(copy, x.double())):
        msg = "network: expected each ReLU and maximum to be called once, got more calls"
        raise InvalidInputError(msg)
    _check_layers(copy, x[:1].double())
    return copy


def _check_layers(network: nn.Module, x: Tensor) -> None:
    """Refuse a network that does more between its ReLU and maxima than can be bounded.

    Without these it must be affine, and intervals must hold what it can reach.
    """
    linear = deepcopy(network)
    _replace(linear, Rectifier, lambda _: nn.Identity())
    _replace(
        linear, nn.MaxPool2d, lambda pool: nn.AvgPool2d(pool.kernel_size, pool.stride, pool.padding)
    )
    rng = torch.Generator(device=x.device).manual_seed(0)
    ends = torch.empty((2, *x.shape[1:]), dtype=x.dtype, device=x.device).normal_(generator=rng)
    points = torch.cat([ends * 10, 5 * ends.sum(0, keepdim=True)]).requires_grad_()
    first, second, middle = values = linear(points)
    scale = values.detach().abs().max().clamp_min(1e-12)
    if bool(((first + second) / 2 - middle).detach().abs().max() > _ROUNDING * scale):
        msg = "network: expected only modules that can be bounded, got another function in it"
        raise InvalidInputError(msg)
    slopes = [torch.autograd.grad(value, points, retain_graph=True)[0][2] for value in middle]
    reach = torch.stack([slope.abs().sum() for slope in slopes])
    box = Box(points.detach()[2:], torch.ones_like(points.detach()[2:]))
    last = Rectifier()
    lower, upper = interval_ranges(nn.Sequential(linear, last), box)[last]
    if bool((upper - lower < 2 * reach - _ROUNDING * (scale + reach)).any()):
        msg = "network: expected sums with weights that are not negative, got others"
        raise InvalidInputError(msg)


def _replace(network: nn.Module, kind: type, made: Callable[[Any], nn.Module]) -> None:
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, kind):
                setattr(parent, name, made(child))


def _bound(network: nn.Module, x: Tensor, y: Tensor, threat: ThreatModel) -> Tensor:
    box = Box.around(x, threat.epsilon, threat.norm)
    return margin_bounds(network, box, y).min(dim=1).values.detach()


@torch.no_grad()
def _count_calls(network: nn.Module, x: Tensor) -> list[int]:
    pieces = [part for part in network.modules() if isinstance(part, Rectifier | nn.MaxPool2d)]
    calls: dict[nn.Module, int] = dict.fromkeys(pieces, 0)

    def count(module: nn.Module, *_: object) -> None:
        calls[module] += 1

    hooks = [piece.register_forward_hook(count) for piece in pieces]
    try:
        network(x[:1])
    finally:
        for hook in hooks:
            hook.remove()
    return list(calls.values())

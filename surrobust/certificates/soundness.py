"""What a network may be made of, so that what is said of it is certain."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import InvalidInputError
from ..networks.blocks import Pool
from ..networks.cell import Cell
from ..networks.darts_ops import StridedZero
from .intervals import AFFINE, BENT, Forward, affine_forward, replaced
from .pieces import layout_of

_KNOWN = (
    *AFFINE,
    *BENT,
    Pool,
    Cell,  # one of zeros alone has no parts
    StridedZero,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    nn.Flatten,
    nn.Identity,
    nn.Dropout,
    nn.Sequential,
)
"""Layers without parts that can be bounded."""

# The rounding of doubles, 1e-16 an operation, adds up to far less.
_ROUNDING = 1e-9
"""How far an affine network may be from affine, relative to its outputs."""


def check_layers(network: nn.Module) -> None:
    """Refuse a network with layers that are not known to be bounded.

    Raises:
        InvalidInputError: If there is one, or the network is in training mode.
    """
    for name, module in network.named_modules():
        if module.training and isinstance(module, nn.BatchNorm2d | nn.Dropout):
            msg = f"network: expected evaluation mode, got training mode at {name or 'its top'}"
            raise InvalidInputError(msg)
        if not list(module.children()) and not isinstance(module, _KNOWN):
            known = ", ".join(sorted({kind.__name__ for kind in _KNOWN}))
            msg = f"network: expected layers among {known}; got {type(module).__name__}"
            raise InvalidInputError(f"{msg} at {name or 'its top'}")
        if isinstance(module, nn.MaxPool2d) and not _is_plain(module):
            msg = "network: expected maxima over square windows without dilation or ceil_mode"
            raise InvalidInputError(f"{msg}, got {module} at {name or 'its top'}")


def _is_plain(module: nn.MaxPool2d) -> bool:
    layout = (module.kernel_size, module.stride, module.padding)
    square = all(isinstance(side, int) or len(set(side)) == 1 for side in layout)
    dense = module.dilation in (1, (1, 1))
    return square and dense and not module.ceil_mode and not module.return_indices


def check_bounded(network: nn.Module, x: Tensor) -> None:
    """Refuse a network of which bounds would not be certain.

    Its layers must be known, and it may do nothing else between them that is not affine: without
    its ReLU and maxima it must be an affine function, and intervals must hold what that can reach.
    Tried at random points in double precision.

    Args:
        network: In evaluation mode; it is left as it is.
        x: One image ``(1, c, h, w)``, of which only the shape counts.

    Raises:
        InvalidInputError: If it cannot be bounded.
    """
    check_layers(network)
    run = _in_doubles(network)
    rng = torch.Generator(device=x.device).manual_seed(0)
    drawn = torch.empty((2, *x.shape[1:]), dtype=torch.float64, device=x.device)
    near, step = drawn.normal_(generator=rng).split(1)
    # Far to both sides, so that what bends anywhere does so in between.
    points = torch.cat([near + 1000 * step, near - 1000 * step, near]).requires_grad_()
    with torch.enable_grad(), replaced(network, _straight):
        # Of an affine function alone the value half-way is always the mean.
        first, second, middle = values = run(points)
        scale = values.detach().abs().max().clamp_min(1e-12)
        if bool(((first + second) / 2 - middle).detach().abs().max() > _ROUNDING * scale):
            msg = "network: expected only modules that can be bounded, got another function in it"
            raise InvalidInputError(msg)
        slopes = [
            torch.autograd.grad(value, points, retain_graph=True, materialize_grads=True)[0][2]
            for value in middle
        ]
    # How far an affine function moves in a box of radius 1. Intervals that say less are wrong, as
    # where the radius of a difference is taken for the difference of radii.
    reach = torch.stack([slope.abs().sum() for slope in slopes])
    centre = points.detach()[2:]
    with torch.no_grad(), replaced(network, _straight_interval):
        radius = run(torch.cat([centre, torch.ones_like(centre)]))[1]
    if bool((radius < reach - _ROUNDING * (scale + reach)).any()):
        msg = "network: expected sums with weights that are not negative, got others"
        raise InvalidInputError(msg)


def _in_doubles(network: nn.Module) -> Callable[[Tensor], Tensor]:
    """Return the network as a function in double precision."""
    named = (*network.named_parameters(), *network.named_buffers())
    doubles = {n: t.detach().double() for n, t in named if t.is_floating_point()}
    return lambda x: torch.func.functional_call(network, doubles, (x,))


def _straight(module: nn.Module) -> Forward | None:
    """Return an affine layer in place of a ReLU or maximum."""
    if isinstance(module, nn.MaxPool2d):
        layout = layout_of(module)
        return lambda x: functional.avg_pool2d(x, *layout)
    return (lambda x: x) if isinstance(module, BENT) else None


def _straight_interval(module: nn.Module) -> Forward | None:
    return affine_forward(module) if isinstance(module, AFFINE) else _straight(module)

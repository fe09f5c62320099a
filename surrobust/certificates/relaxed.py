"""Linear relaxation of a trained network."""

from copy import deepcopy

import torch
from torch import Tensor, nn

from .._checks import brief, check_integer
from .._classifiers import (
    check_classes,
    check_images,
    check_labels,
    check_logits,
    check_weights,
    outside_inference,
    takes_gradients,
)
from ..errors import InvalidInputError
from ..threat import ThreatModel
from .box import Box
from .margins import margin_bounds
from .soundness import check_bounded


@takes_gradients
def certify_margins(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    epsilon: float,
    *,
    norm: str = "Linf",
    ranges: str = "interval",
    batch_size: int = 16,
) -> Tensor:
    """Return what each image's margin is at least, whatever an attacker does within a ball.

    The logit of the class minus the largest other one, by intervals forward and linear bounds
    backward (:mod:`surrobust.certificates`, with the papers). Above 0 no attack can succeed. Bounds
    loosen by a factor per layer: they say something of small networks and radii. Computed in double
    precision on a copy; rounding is not accounted for.

    Args:
        network: Made of convolutions, linear layers, frozen batch norm, ReLU as modules, average
            and maximum pools, sums with weights that are not negative. Measured in evaluation mode.
        x: Images ``(n, c, h, w)`` in [0, 1].
        y: Their classes, ``(n,)`` int64.
        epsilon: Radius on the [0, 1] pixel scale.
        norm: ``Linf`` or ``L2``.
        ranges: ``interval``, or ``linear`` for tighter bounds at a higher price.
        batch_size: Images at a time.

    Returns:
        ``(n,)`` float64.

    Raises:
        InvalidInputError: If an argument is not what was expected, or the network has layers that
            cannot be bounded.
        NotFiniteError: If an answer of the network is not finite.
    """
    threat = ThreatModel(epsilon, norm)
    check_integer("batch_size", batch_size, minimum=1)
    copy, x, y = _prepare(network, x, y)
    bounds = [
        _bound(copy, images, classes, threat, ranges)
        for images, classes in zip(x.split(batch_size), y.split(batch_size), strict=True)
    ]
    return torch.cat(bounds)


@takes_gradients
def certified_radii(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    norm: str = "Linf",
    ranges: str = "interval",
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
        ranges: See :func:`certify_margins`.
        largest: Radius that is not exceeded.
        steps: Halvings; radii are exact to ``largest`` / 2 ** ``steps``.

    Raises:
        InvalidInputError: See :func:`certify_margins`.
        NotFiniteError: See :func:`certify_margins`.
    """
    if not 0 < largest < float("inf"):
        msg = f"largest: expected a finite number above 0, got {brief(largest)}"
        raise InvalidInputError(msg)
    copy, x, y = _prepare(network, x, y)
    radii = []
    for image, label in zip(x.split(1), y.split(1), strict=True):
        low, high = 0.0, float(largest)
        for _ in range(check_integer("steps", steps, minimum=1)):
            # ``low`` was certified itself: the result holds even where bounds are not monotone.
            middle = (low + high) / 2
            # Strict: at 0 another class may have the same logit.
            safe = bool(_bound(copy, image, label, ThreatModel(middle, norm), ranges) > 0)
            low, high = (middle, high) if safe else (low, middle)
        radii.append(low)
    return torch.tensor(radii, dtype=torch.float64, device=x.device)


def _prepare(network: nn.Module, x: Tensor, y: Tensor) -> tuple[nn.Module, Tensor, Tensor]:
    """Return a copy of a network in double precision that can be bounded, images and classes."""
    check_images(x)
    check_labels(y, len(x))
    if not len(x):
        msg = "x: expected at least one image, got none"
        raise InvalidInputError(msg)
    check_weights(network)
    x, y = outside_inference(x).double(), outside_inference(y)
    copy = deepcopy(network).double().eval().requires_grad_(False)
    check_bounded(copy, x[:1])
    with torch.no_grad():
        logits = check_logits(copy(x[:1]), 1)  # what cannot be bounded has been refused
    check_classes(y, logits.shape[1])
    return copy, x, y


def _bound(network: nn.Module, x: Tensor, y: Tensor, threat: ThreatModel, ranges: str) -> Tensor:
    box = Box.around(x, threat.epsilon, threat.norm)
    bounds = margin_bounds(network, box, y, ranges=ranges, known=True)
    return bounds.min(dim=1).values.detach()

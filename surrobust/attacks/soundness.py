"""Signs that a network defeats the attack rather than the attacker, told as warnings.

Croce & Hein, "Reliable evaluation of adversarial robustness with an ensemble of diverse
parameter-free attacks" (ICML 2020, arXiv 2003.01690), whose code makes such checks; Athalye,
Carlini & Wagner, "Obfuscated gradients give a false sense of security" (ICML 2018).
"""

import logging
from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn import functional

from .._classifiers import check_classes, check_logits
from .balls import gradient_by

logger = logging.getLogger(__name__)

LOOKED_AT = 32
"""Images of a batch that the checks look at, at most."""

# That of the authors' ``check_randomized``, where logits are divided by their length.
_SAME = 1e-4
"""How far logits of two passes may differ, relative to the largest."""

_VANISHED = 0.1
"""Share of images without a gradient from which on it is told."""

_SUM = 1e-4
"""How near to one a sum of probabilities is."""


def look_at(network: Callable[[Tensor], Tensor], x: Tensor, y: Tensor, name: str) -> int:
    """Look at a network's answers before it is attacked; return how many classes it knows.

    One warning is logged if an attack's result would say little about this network.

    Args:
        network: In evaluation mode.
        x: Images, at least one; the first ones are looked at.
        y: Their classes.
        name: The attack's, for the message.

    Raises:
        InvalidInputError: If it does not return finite logits, or knows fewer classes than ``y``.
    """
    images = x[:LOOKED_AT]
    with torch.no_grad():
        logits = check_logits(network(images), len(images))
    check_classes(y, logits.shape[1])
    if told := "; ".join(_signs(network, images, y[:LOOKED_AT], logits)):
        logger.warning("%s: the measured robustness may be too high: %s", name, told)
    return logits.shape[1]


def is_random(first: Tensor, second: Tensor) -> bool:
    """Tell whether logits of two passes over the same images differ by more than rounding."""
    # Half precision rounds by more than 1e-4: eps is .001 in float16, .008 in bfloat16.
    same = max(_SAME, 8 * torch.finfo(first.dtype).eps)
    # Logits may all be 0.
    scale = first.abs().max().clamp_min(1e-12)
    return float((first - second).abs().max() / scale) > same


def _signs(
    network: Callable[[Tensor], Tensor], x: Tensor, y: Tensor, first: Tensor
) -> Iterator[str]:
    with torch.no_grad():
        second = network(x)
    with torch.enable_grad():
        leaf = x.detach().requires_grad_()
        logits = network(leaf)
        loss = functional.cross_entropy(logits, y, reduction="sum")
        gradient = gradient_by(loss, leaf)
    logits = logits.detach()
    if is_random(first, second):
        yield "the network is random, its logits differ from pass to pass"
    right = logits.argmax(1) == y
    # Exactly 0, as where float32 rounds a probability to 1. What is wrong anyway needs no step.
    vanished = (gradient.flatten(1).abs().amax(1) == 0) & right
    if int(right.sum()) and float(vanished.sum() / right.sum()) > _VANISHED:
        yield f"gradients vanish on {int(vanished.sum())} of {int(right.sum())} images"
    sums = logits.sum(1)
    if bool((logits >= 0).all()) and bool(((sums - 1).abs() < _SUM).all()):
        yield "the network returns probabilities where logits were expected"

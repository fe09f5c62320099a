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

from .balls import gradient_by

logger = logging.getLogger(__name__)

LOOKED_AT = 32
"""Images of a batch that the checks look at, at most."""

_SAME = 1e-4
"""How far logits of two passes may differ, relative to the largest."""

_VANISHED = 0.1
"""Share of images without a gradient from which on it is told."""

_SUM = 1e-4
"""How near to one a sum of probabilities is."""


def warn_if_unsound(network: Callable[[Tensor], Tensor], x: Tensor, y: Tensor, name: str) -> None:
    """Log one warning if an attack's result would say little about this network.

    Args:
        network: In evaluation mode.
        x: Images; the first ones are looked at.
        y: Their classes.
        name: The attack's, for the message.
    """
    if not len(x):
        return
    told = "; ".join(_signs(network, x[:LOOKED_AT].detach(), y[:LOOKED_AT]))
    if told:
        logger.warning("%s: the measured robustness may be too high: %s", name, told)


def _signs(network: Callable[[Tensor], Tensor], x: Tensor, y: Tensor) -> Iterator[str]:
    with torch.no_grad():
        first, second = network(x), network(x)
    with torch.enable_grad():
        leaf = x.detach().requires_grad_()
        logits = network(leaf)
        loss = functional.cross_entropy(logits, y, reduction="sum")
        gradient = gradient_by(loss, leaf)
    logits = logits.detach()
    scale = first.abs().max().clamp_min(1e-12)
    if float((first - second).abs().max() / scale) > _SAME:
        yield "the network is random, its logits differ from pass to pass"
    right = logits.argmax(1) == y
    vanished = (gradient.flatten(1).abs().amax(1) == 0) & right
    if int(right.sum()) and float(vanished.sum() / right.sum()) > _VANISHED:
        yield f"gradients vanish on {int(vanished.sum())} of {int(right.sum())} images"
    sums = logits.sum(1)
    if bool((logits >= 0).all()) and bool(((sums - 1).abs() < _SUM).all()):
        yield "the network returns probabilities where logits were expected"

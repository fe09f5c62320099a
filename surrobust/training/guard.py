"""Catastrophic overfitting of single-step training: noticed, undone, and then not repeated.

Wong, Rice & Kolter, "Fast is better than free" (ICLR 2020, arXiv 2001.03994), section 5.4: a
network may, within a few steps, become robust to the one step that it is trained with and to
nothing else. They stop training where PGD accuracy on a batch falls. Unlike the paper, training
goes back to the end of the last sound epoch and goes on with twice as many attack steps of half
the size, so that all networks of a comparison are trained for as many epochs.
"""

from dataclasses import replace

import torch
from torch import Tensor, nn

from ..networks import FoldedNetwork
from .recipe import InnerAttack
from .steps import attack_batch, draw_start

_STEPS = 10
_LEAST = 0.2
_SHARE = 0.5


def is_overfitted(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    attack: InnerAttack,
    generator: torch.Generator,
    *,
    twin: FoldedNetwork | None = None,
) -> bool:
    """Return whether a network withstands its training attack but not ten steps of PGD.

    That is: more than a fifth of the images withstand the training attack, and fewer than half
    of these ten steps of a quarter of the radius.

    Args:
        network: In training mode, and left so.
        x: Images in [0, 1].
        y: Their classes.
        attack: The one inside training.
        generator: Of the attacks' starts.
        twin: See ``training.inner.attack_batch``.
    """
    if twin is None:
        twin = FoldedNetwork(network)
    # Short steps, as a long one jumps over what overfitting leaves open within the ball. Both in
    # evaluation: in training mode a mere check would move batch norm's statistics.
    many = replace(attack, steps=_STEPS, step_size=attack.epsilon / 4, start="ball", modes="eval")
    trained, strong = (
        _accuracy(twin, attack_batch(network, x, y, draw_start(x, a, generator), a, twin=twin), y)
        for a in (replace(attack, modes="eval"), many)
    )
    return trained > _LEAST and strong < _SHARE * trained


def strengthen(attack: InnerAttack, alarms: int) -> InnerAttack:
    """Return the attack that is trained with after so many alarms."""
    times = 2**alarms
    return replace(attack, steps=attack.steps * times, step_size=attack.step_size / times)


@torch.no_grad()
def _accuracy(network: nn.Module, x: Tensor, y: Tensor) -> float:
    return float((network(x).argmax(1) == y).float().mean())

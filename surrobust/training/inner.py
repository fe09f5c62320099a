"""The attack inside training, and what else a step draws: no checks, no wait for the host.

The attacks of ``surrobust.attacks`` check what they are given and what they return, and wait for
the device to do so; here they would be called thousands of times on images that are in range by
construction.
"""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..networks import FoldedNetwork
from ..spaces.darts import N_INPUTS, N_NODES
from .recipe import InnerAttack, Recipe


def draw_start(x: Tensor, attack: InnerAttack | None, generator: torch.Generator) -> Tensor:
    """Return the first perturbation of a batch, drawn before the step that uses it."""
    if attack is None or attack.start == "image":
        return torch.zeros_like(x)
    start = torch.empty_like(x)
    if attack.start == "near":
        return start.normal_(0, 1e-3, generator=generator)
    return start.uniform_(-attack.epsilon, attack.epsilon, generator=generator)


def draw_paths(
    recipe: Recipe, epoch: int, x: Tensor, generator: torch.Generator
) -> tuple[Tensor] | tuple[()]:
    """Return zeros for the paths that a step drops, ``1 / share kept`` for the others.

    Args:
        recipe: Says which share is dropped at the end.
        epoch: Epochs done.
        x: The ``n`` images of the step.
        generator: On their device.

    Returns:
        One tensor ``(cells, ops of a cell, n)``; nothing where the recipe drops no paths.
    """
    if recipe.drop_path is None:
        return ()
    kept = 1 - recipe.drop_path * epoch / recipe.epochs
    paths = x.new_empty((recipe.cells, N_NODES * N_INPUTS, len(x)))
    return (paths.bernoulli_(kept, generator=generator).div_(kept),)


def attack_batch(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    start: Tensor,
    attack: InnerAttack,
    *,
    divergence: bool = False,
    twin: FoldedNetwork | None = None,
) -> Tensor:
    """Return attacked images ``(b, 3, h, w)`` in [0, 1], within the Linf ball around ``x``.

    Args:
        network: In training mode, and left so.
        x: Images in [0, 1].
        y: Their classes.
        start: First perturbation.
        attack: Steps and sizes.
        divergence: Climb the KL divergence from the logits of ``x``, not the cross-entropy.
        twin: The network's own, which is refreshed; None makes one where the attack is to see the
            network in evaluation.
    """
    if attack.modes == "train":
        return _climb(network, x, y, start, attack, divergence=divergence)
    if twin is None:
        twin = FoldedNetwork(network)
    else:
        twin.refresh()
    with as_written(x.device):
        return _climb(twin, x, y, start, attack, divergence=divergence)


def as_written(device: torch.device) -> AbstractContextManager[object]:
    """Compute with the types that tensors have: a twin has its own."""
    kind = device.type
    if not torch.amp.is_autocast_available(kind):
        return nullcontext()
    return torch.autocast(kind, enabled=False)


def _climb(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    start: Tensor,
    attack: InnerAttack,
    *,
    divergence: bool,
) -> Tensor:
    low = (x - attack.epsilon).clamp_(min=0)
    high = (x + attack.epsilon).clamp_(max=1)
    target = _soft(network, x) if divergence else y
    found = torch.minimum(torch.maximum(x + start, low), high)
    for _ in range(attack.steps):
        found.requires_grad_()
        loss = _climbed(network(found), target, divergence=divergence)
        (gradient,) = torch.autograd.grad(loss, found)
        with torch.no_grad():
            moved = found + attack.step_size * gradient.sign()
            found = torch.minimum(torch.maximum(moved, low), high)
    return found.detach()


@torch.no_grad()
def _soft(network: nn.Module, x: Tensor) -> Tensor:
    return functional.softmax(network(x).float(), dim=1)


def _climbed(logits: Tensor, target: Tensor, *, divergence: bool) -> Tensor:
    logits = logits.float()
    if divergence:
        return functional.kl_div(functional.log_softmax(logits, 1), target, reduction="sum")
    return functional.cross_entropy(logits, target, reduction="sum")

"""PGD as searches attack: in either mode of batch norm, within the range of a pixel or not."""

import torch
from torch import Tensor

from .._classifiers import in_mode
from ..attacks.balls import draw
from ..attacks.gradients import input_gradient
from .base import SearchBatch
from .supernets import AbstractSupernet


def climb(
    network: AbstractSupernet,
    batch: SearchBatch,
    *,
    epsilon: float,
    steps: int,
    step_size: float,
    modes: str,
    clipped: bool,
) -> Tensor:
    """Return images after steps up the loss from a random start, each followed by a projection.

    In evaluation mode and clipped this is :class:`~surrobust.attacks.PGD`. In training mode batch
    norm has the statistics of the attacked images themselves, so that one image's gradient depends
    on all others; the running statistics then change.

    Args:
        network: Its mode is left as it is.
        batch: Images ``(n, c, h, w)`` in [0, 1], their classes, and the seed of the start.
        epsilon: Linf radius on the [0, 1] pixel scale.
        steps: How many steps.
        step_size: Their length.
        modes: ``train`` or ``eval``: batch norm's while attacking.
        clipped: Whether pixels stay in [0, 1].
    """
    low, high = (0.0, 1.0) if clipped else (-torch.inf, torch.inf)
    generator = torch.Generator(device=batch.x.device).manual_seed(batch.seed)
    with in_mode(modes == "train", network):
        start = draw(batch.x, "Linf", epsilon, generator)
        found = (batch.x + start.clamp(-epsilon, epsilon)).clamp(low, high)
        for _ in range(steps):
            _, gradient, _ = input_gradient(network, found, batch.y)
            step = found + step_size * gradient.sign() - batch.x
            found = (batch.x + step.clamp(-epsilon, epsilon)).clamp(low, high)
    return found.detach()

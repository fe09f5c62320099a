"""Differentiable measures of robustness: the more, the better.

Hosseini, Yang & Xie, "DSRNA: Differentiable Search of Robust Neural Architectures" (CVPR 2021,
arXiv 2012.06122), section 3. Batch norm is frozen at its running statistics, so that each image
has outputs of its own. There is no official code to compare them with.
"""

import torch
from torch import Tensor, nn

from .._classifiers import evaluating, takes_gradients
from ..relaxation import Box, margin_bounds


def certified_term(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    epsilon: float,
    norm: str = "Linf",
    ranges: str = "interval",
) -> Tensor:
    """Return the mean of a certified lower bound of the class margin within the ball.

    Equations 1 to 11: linear bounds of every op, mixed by the architecture weights on each edge,
    composed backward from the margin to the pixels, where the dual norm gives the least value.

    Args:
        network: Maps images to logits; one that :func:`~surrobust.relaxation.check_bounded`
            accepts, of which only the types of layers are looked at.
        x: Images ``(n, c, h, w)``.
        y: Their classes ``(n,)``.
        epsilon: Radius on the [0, 1] pixel scale.
        norm: ``Linf`` or ``L2``.
        ranges: A name in :data:`~surrobust.relaxation.RANGES`.
    """
    box = Box.around(x, epsilon, norm)
    with evaluating(network):
        bounds = margin_bounds(network, box, y, ranges=ranges, differentiable=True, known=True)
    return bounds.min(dim=1).values.mean()


@takes_gradients
def jacobian_term(network: nn.Module, x: Tensor, *, epsilon: float, norm: str = "Linf") -> Tensor:
    """Return minus a first-order bound on how far an attack moves the logits.

    Equations 12 to 15: ``-epsilon * mean_x (1/K) sum_k ||J_k(x)||_q``, q dual to the norm of the
    ball.

    Args:
        network: Maps images to logits.
        x: Images ``(n, c, h, w)``.
        epsilon: Radius on the [0, 1] pixel scale.
        norm: ``Linf`` (q = 1) or ``L2`` (q = 2).
    """
    x = x.detach().requires_grad_()
    with evaluating(network):
        logits = network(x)
    total = x.new_zeros(len(x))
    for column in logits.T:
        (slope,) = torch.autograd.grad(column.sum(), x, create_graph=True, materialize_grads=True)
        flat = slope.flatten(1)
        # A root has no slope at zero; the smallest normal number keeps it finite.
        tiny = torch.finfo(x.dtype).tiny
        total = total + (
            flat.abs().sum(1) if norm == "Linf" else flat.square().sum(1).clamp_min(tiny).sqrt()
        )
    return -epsilon * total.mean() / logits.shape[1]

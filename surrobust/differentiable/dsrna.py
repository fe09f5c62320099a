"""Strategy ``dsrna``, and its differentiable measures of robustness.

Hosseini, Yang & Xie, "DSRNA: Differentiable Search of Robust Neural Architectures" (CVPR 2021,
arXiv 2012.06122), section 3. Batch norm is frozen at its running statistics, so that each image
has outputs of its own. There is no official code to compare them with.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .._checks import check_choice, check_integer
from .._classifiers import evaluating, takes_gradients
from ..certificates import RANGES, Box, margin_bounds
from ..threat import ThreatModel
from .base import AbstractGradientStrategy, SearchBatch, cross_entropy
from .supernets import AbstractSupernet
from .unrolling import Function

ROBUSTNESS = ("certified", "jacobian", "combined")
"""The measures R of the paper; the last is the sum of the other two."""


class Dsrna(AbstractGradientStrategy):
    """The outer objective is the loss minus gamma times a differentiable measure of robustness.

    Hosseini, Yang & Xie, "DSRNA: Differentiable Search of Robust Neural Architectures" (CVPR 2021,
    arXiv 2012.06122), equation 16: ``L - gamma R``, R the certified lower bound of the margin
    (``certified``), the bound by the Jacobian (``jacobian``) or their sum (``combined``). The
    weights are fitted to clean images. There is no official code: what the paper leaves open, and
    what was made of the formulas, has been compared with nothing but the paper.

    With interval ranges the certified bound of a network as deep as these is millions below zero,
    so that gamma cannot hold it: the architecture then minimises the bound alone. With linear
    ranges, which are the paper's, it is hundreds below zero at epsilon 1/255, some eight times as
    dear, and its gradient still outweighs the loss's in the small supernets tried; at an eighth of
    that radius it is about the margin itself, and does not. Unlike the paper, ``relative`` divides
    each measure by its own size, so that gamma weighs relative improvements.

    Args:
        robustness: R, one of ``ROBUSTNESS``.
        gamma: Weight of R; 0.01 in the paper.
        epsilon: Radius of the ball on the [0, 1] pixel scale.
        norm: ``Linf`` or ``L2``.
        relaxation: Whence ``certified`` has the range of what enters each ReLU: ``interval``, or
            ``linear``, as in the paper.
        images: How many images of a batch R is measured on, at most.
        relative: Whether each measure is divided by its own absolute value, held constant.

    Raises:
        InvalidInputError: If an option is not what was expected.
    """

    name = "dsrna"

    def __init__(
        self,
        robustness: str = "combined",
        *,
        gamma: float = 0.01,
        epsilon: float = 1 / 255,
        norm: str = "Linf",
        relaxation: str = "interval",
        images: int = 4,
        relative: bool = False,
    ) -> None:
        self.robustness = check_choice("robustness", robustness, ROBUSTNESS)
        self.gamma = float(gamma)
        self.threat = ThreatModel(epsilon, norm)
        self.relaxation = check_choice("relaxation", relaxation, RANGES)
        self.images = check_integer("images", images, minimum=1)
        self.relative = bool(relative)

    @property
    def options(self) -> dict[str, Any]:
        """What it was made with."""
        return {
            "robustness": self.robustness,
            "gamma": self.gamma,
            "epsilon": self.threat.epsilon,
            "norm": self.threat.norm,
            "relaxation": self.relaxation,
            "images": self.images,
            "relative": self.relative,
        }

    def outers(self, network: AbstractSupernet, batch: SearchBatch) -> dict[str, Function]:  # noqa: ARG002
        """Return the loss and the measures of robustness."""
        x, y = batch.x[: self.images], batch.y[: self.images]
        ball: dict[str, Any] = {"epsilon": self.threat.epsilon, "norm": self.threat.norm}
        terms: dict[str, Function] = {"loss": cross_entropy(batch)}
        if self.robustness != "jacobian":
            how = {**ball, "ranges": self.relaxation}
            terms["certified"] = lambda network: certified_term(network, x, y, **how)
        if self.robustness != "certified":
            terms["jacobian"] = lambda network: jacobian_term(network, x, **ball)
        return terms

    def combine(
        self, gradients: Sequence[Tensor], values: Sequence[float]
    ) -> tuple[Tensor, dict[str, float]]:
        """Return the gradient of ``L - gamma R``."""
        loss, *robust = gradients
        sizes = [abs(value) or 1.0 if self.relative else 1.0 for value in values[1:]]
        parts = [gradient / size for gradient, size in zip(robust, sizes, strict=True)]
        total = sum(parts[1:], start=parts[0])
        share = float((self.gamma * total).norm() / loss.norm().clamp_min(1e-12))
        return loss - self.gamma * total, {"robust_to_loss": share}


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
        network: Maps images to logits; one that :func:`~surrobust.certificates.check_bounded`
            accepts, of which only the types of layers are looked at.
        x: Images ``(n, c, h, w)``.
        y: Their classes ``(n,)``.
        epsilon: Radius on the [0, 1] pixel scale.
        norm: ``Linf`` or ``L2``.
        ranges: A name in :data:`~surrobust.certificates.RANGES`.
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

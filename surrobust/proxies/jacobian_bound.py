"""Proxy ``jacobian_bound``."""

from .base import AbstractProxy
from .probe import Probe


class JacobianBound(AbstractProxy):
    """First-order bound on how far an attack can move the logits, with its sign turned.

    ``-epsilon * mean_x (1/K) sum_k ||J_k(x)||_1``, the 1-norm being dual to the Linf ball
    (Hosseini, Yang & Xie, "DSRNA: Differentiable Search of Robust Neural Architectures", CVPR 2021,
    equations 12 to 15). Batch norm is frozen at the batch's statistics. There is no official code
    to compare it with.

    Args:
        epsilon: Linf radius on the [0, 1] pixel scale.
        images: How many images of the batch to take, at most.
    """

    name = "jacobian_bound"

    def __init__(self, epsilon: float = 8 / 255, images: int = 16) -> None:
        self.epsilon = epsilon
        self.images = images

    def _score(self, probe: Probe) -> float:
        return -self.epsilon * float(probe.jacobian(self.images).abs().sum(dim=2).mean())

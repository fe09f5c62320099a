"""Proxy ``jacobian_norm``."""

from .base import AbstractProxy
from .probe import Probe


class JacobianNorm(AbstractProxy):
    """Mean over images of the Frobenius norm of the Jacobian of the logits by the pixels.

    Hoffman, Roberts & Yaida, "Robust Learning with Jacobian Regularization" (2019), equation 4, as
    Jung, Lukasik & Keuper, "Neural Architecture Design and Robustness: A Dataset" (ICLR 2023) use
    it. Exact, one backward pass per class, with batch norm frozen at the batch's statistics.
    Unlike there the network is untrained.

    Args:
        images: How many images of the batch to take, at most.
    """

    name = "jacobian_norm"

    def __init__(self, images: int = 16) -> None:
        self.images = images

    def _score(self, probe: Probe) -> float:
        return float(probe.jacobian(self.images).flatten(1).norm(dim=1).mean())

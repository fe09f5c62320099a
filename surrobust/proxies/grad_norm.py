"""Proxy ``grad_norm``."""

from .base import AbstractProxy
from .needs import Need
from .probe import Probe


class GradNorm(AbstractProxy):
    """Sum over layers of the Euclidean norm of the loss's gradient by the layer's weight.

    ``sum_l ||dL/dW_l||_2`` over convolutions and the classifier, L the mean cross-entropy on the
    batch (Abdelfattah, Mehrotra, Dudziak & Lane, "Zero-Cost Proxies for Lightweight NAS", ICLR
    2021, section 3).
    """

    name = "grad_norm"
    needs = frozenset({Need.WEIGHT_GRADIENTS})

    def _score(self, probe: Probe) -> float:
        return sum(float(gradient.norm()) for gradient in probe.batch_pass.gradients)

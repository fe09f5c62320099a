"""Proxy ``l2_norm``."""

from .base import AbstractProxy
from .probe import Probe


class L2Norm(AbstractProxy):
    """Sum over layers of the Euclidean norm of the weight (Abdelfattah et al., ICLR 2021).

    All convolutions and the classifier, also convolutions that no signal passes.
    """

    name = "l2_norm"

    def _score(self, probe: Probe) -> float:
        return sum(float(layer.weight.detach().norm()) for layer in probe.network.layers())

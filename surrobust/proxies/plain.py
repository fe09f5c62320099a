"""Proxy ``plain``."""

from .base import AbstractProxy
from .needs import Need
from .probe import Probe


class Plain(AbstractProxy):
    """Sum over weights of ``w * dL/dw``, with its sign.

    Mozer & Smolensky, "Skeletonization" (NeurIPS 1988), as used by Krishnakumar et al.,
    "NAS-Bench-Suite-Zero" (NeurIPS 2022). Behind batch norm the sum of a layer is zero but for
    rounding, so what is left is the classifier's and the shortcuts' share.
    """

    name = "plain"
    needs = frozenset({Need.WEIGHT_GRADIENTS})

    def _score(self, probe: Probe) -> float:
        record = probe.batch_pass
        pairs = zip(record.layers, record.gradients, strict=True)
        return sum(float((layer.weight.detach() * g).sum()) for layer, g in pairs)

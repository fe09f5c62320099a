"""Proxy ``snip``."""

from .base import AbstractProxy
from .needs import Need
from .probe import Probe


class Snip(AbstractProxy):
    """Sum over weights of ``|w * dL/dw|``, how much the loss feels each weight's removal.

    Lee, Ajanthan & Torr, "SNIP: Single-shot Network Pruning based on Connection Sensitivity"
    (ICLR 2019), equation 4 without its normalisation, summed over the network as by Abdelfattah et
    al. (ICLR 2021), equation 1.
    """

    name = "snip"
    needs = frozenset({Need.WEIGHT_GRADIENTS})

    def _score(self, probe: Probe) -> float:
        record = probe.batch_pass
        pairs = zip(record.layers, record.gradients, strict=True)
        return sum(float((layer.weight.detach() * g).abs().sum()) for layer, g in pairs)

"""Proxy ``flops``."""

from ..spaces import count_flops
from .base import AbstractProxy
from .probe import Probe


class Flops(AbstractProxy):
    """Floating point operations for one image, in millions, a multiply-accumulate counted once.

    The second baseline of Ning et al., "Evaluating Efficient Performance Estimators of Neural
    Architectures" (NeurIPS 2021); the counting rule is in :func:`~surrobust.spaces.count_flops`.
    """

    name = "flops"

    def _score(self, probe: Probe) -> float:
        size = probe.x.shape[-1]
        return count_flops(probe.architecture, image_size=size, **probe.network.sizes) / 1e6

"""Proxies that count: parameters, operations, the size of the weights."""

from ..spaces import count_flops, count_parameters
from .base import AbstractProxy
from .probe import Probe


class Params(AbstractProxy):
    """Trainable parameters of the network, in millions.

    The baseline of every table (Ning et al., "Evaluating Efficient Performance Estimators of
    Neural Architectures", NeurIPS 2021). Convolutions that no signal passes count, as in the
    published network.
    """

    name = "params"

    def _score(self, probe: Probe) -> float:
        return count_parameters(probe.architecture, **probe.network.sizes) / 1e6


class Flops(AbstractProxy):
    """Floating point operations for one image, in millions, a multiply-accumulate counted once.

    The second baseline of Ning et al., "Evaluating Efficient Performance Estimators of Neural
    Architectures" (NeurIPS 2021); the counting rule is in :func:`~surrobust.spaces.count_flops`.
    """

    name = "flops"

    def _score(self, probe: Probe) -> float:
        size = probe.x.shape[-1]
        return count_flops(probe.architecture, image_size=size, **probe.network.sizes) / 1e6


class L2Norm(AbstractProxy):
    """Sum over layers of the Euclidean norm of the weight (Abdelfattah et al., ICLR 2021).

    All convolutions and the classifier, also convolutions that no signal passes.
    """

    name = "l2_norm"

    def _score(self, probe: Probe) -> float:
        return sum(float(layer.weight.detach().norm()) for layer in probe.network.layers())

"""Proxy ``params``."""

from ..spaces import count_parameters
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

"""Proxy ``nwot``."""

import torch

from .base import AbstractProxy
from .needs import Need
from .probe import Probe


class Nwot(AbstractProxy):
    """Log-determinant of the kernel of activation patterns.

    ``log |det K|``, where ``K_ij`` is the number of ReLUs that are on for both or off for both of
    images i and j (Mellor, Turner, Storkey & Crowley, "Neural Architecture Search without
    Training", ICML 2021, equations 1 and 2, there as total minus Hamming distance).
    """

    name = "nwot"
    needs = frozenset({Need.ACTIVATION_KERNEL})

    def _score(self, probe: Probe) -> float:
        kernel = probe.batch_pass.kernel
        return float("nan") if kernel is None else float(torch.linalg.slogdet(kernel).logabsdet)

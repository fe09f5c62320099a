"""Proxy ``fisher``."""

from .base import AbstractProxy
from .needs import Need
from .probe import Probe


class Fisher(AbstractProxy):
    """Sum over channels of half the mean square of output times gradient.

    For channel c of a layer with output z, ``1/2 mean_n (sum_positions z_nc dL/dz_nc)^2``, summed
    over the channels of all convolutions (before batch norm) and the classifier (Turner, Crowley,
    O'Boyle, Storkey & Gray, "BlockSwap: Fisher-guided Block Substitution", ICLR 2020; Theis et
    al., "Faster gaze prediction with dense networks and Fisher pruning", 2018, equation 10).
    """

    name = "fisher"
    needs = frozenset({Need.CHANNEL_SALIENCY})

    def _score(self, probe: Probe) -> float:
        return sum(float(s.square().mean(0).sum()) / 2 for s in probe.batch_pass.saliencies)

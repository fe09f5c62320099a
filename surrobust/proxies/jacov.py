"""Proxy ``jacov``."""

import torch

from .base import AbstractProxy
from .needs import Need
from .probe import Probe

_K = 1e-5


class Jacov(AbstractProxy):
    """How little the linear maps at the images of the batch correlate.

    With the eigenvalues ``s_i`` of the correlation matrix of the images' input gradients (of the
    sum of logits), ``-sum_i log(s_i + k) + 1 / (s_i + k)``, k = 1e-5 (Mellor, Turner, Storkey &
    Crowley, "Neural Architecture Search without Training", arXiv 2006.04647v1, equation 4).
    """

    name = "jacov"
    needs = frozenset({Need.INPUT_GRADIENT})

    def _score(self, probe: Probe) -> float:
        gradients = probe.batch_pass.input_gradient
        if gradients is None:
            return float("nan")
        values = torch.linalg.eigvalsh(torch.corrcoef(gradients.double())) + _K
        return -float((values.log() + 1 / values).sum())

"""Proxy ``epe_nas``."""

import torch

from .base import AbstractProxy
from .needs import Need
from .probe import Probe

_K = 1e-5
_MANY_CLASSES = 100


class EpeNas(AbstractProxy):
    """How the linear maps at images of the same class correlate.

    For each class in the batch, ``s_c = sum_ij log(|corr_ij| + k)`` over the correlation matrix of
    its images' input gradients (of the sum of logits), k = 1e-5; the score is ``sum_c |s_c|``.
    With more than 100 classes ``s_c`` is divided by the images of the class, and the score is the
    sum of ``|s_c - s_d|`` over all pairs, divided by the classes seen (Lopes, Alirezazadeh &
    Alexandre, "EPE-NAS: Efficient Performance Estimation Without Training for Neural Architecture
    Search", ICANN 2021, equations 4 to 6).
    """

    name = "epe_nas"
    needs = frozenset({Need.INPUT_GRADIENT})

    def _score(self, probe: Probe) -> float:
        gradients = probe.batch_pass.input_gradient
        if gradients is None:
            return float("nan")
        many = probe.network.sizes["classes"] > _MANY_CLASSES
        sums = []
        for label in probe.y.unique():
            mine = gradients[probe.y == label].double()
            correlation = torch.atleast_2d(torch.corrcoef(mine))
            summed = (correlation.abs() + _K).log().sum()
            sums.append(summed / len(mine) if many else summed)
        s = torch.stack(sums)
        return float((s[:, None] - s).abs().sum() / len(s)) if many else float(s.abs().sum())

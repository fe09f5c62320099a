"""The network as SynFlow sees it: absolute weights, no batch norm, double precision."""

from copy import deepcopy

import torch
from torch import nn

from ..networks import CellNetwork
from ..networks.normalisation import Normalise


@torch.no_grad()
def linearised(network: CellNetwork) -> CellNetwork:
    """Return a copy with absolute parameters, without batch norm and normalisation, in float64.

    Args:
        network: Left as it is.
    """
    copy = deepcopy(network).double()
    for module in list(copy.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.BatchNorm2d | Normalise):
                module.add_module(name, nn.Identity())
    for parameter in copy.parameters():
        parameter.abs_()
    return copy

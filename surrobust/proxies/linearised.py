"""The network as SynFlow sees it: absolute weights, no batch norm, double precision."""

from copy import deepcopy

import torch
from torch import nn

from ..networks import CellNetwork
from ..networks.normalisation import Normalise


@torch.no_grad()
def linearised(network: CellNetwork, *, normalised: bool) -> CellNetwork:
    """Return a copy with absolute parameters, batch norm left out, in float64.

    Args:
        network: Left as it is.
        normalised: Whether the first layer still normalises the images.
    """
    copy = deepcopy(network).double()
    for module in list(copy.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.BatchNorm2d) or (
                isinstance(child, Normalise) and not normalised
            ):
                module.add_module(name, nn.Identity())
    for parameter in copy.parameters():
        parameter.abs_()
    return copy

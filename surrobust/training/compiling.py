"""Kernels that ``torch.compile`` makes of a network's parts."""

from torch import nn

from ..networks.blocks import ConvolutionNorm, Head, Reduction
from ..networks.cell import Cell
from ..networks.darts import GenotypeCell
from ..networks.normalisation import Normalise

_PARTS = (Normalise, ConvolutionNorm, Cell, GenotypeCell, Reduction, Head)

_VARIANTS = 64
"""Kinds of calls, such as widths, with or without gradients, that one part may be compiled for."""


def compile_parts(network: nn.Module) -> None:
    """Let each cell, reduction, stem and head be compiled where it is first called.

    Part by part, so that cells of one width share what is compiled: to compile the network as one
    takes as many times longer as it has cells. What cannot be compiled as a whole raises there.

    Args:
        network: Of this package, or the twin of one.
    """
    import torch._dynamo

    config = torch._dynamo.config
    config.recompile_limit = max(config.recompile_limit, _VARIANTS)
    for child in network.children():
        if isinstance(child, _PARTS):
            child.compile(fullgraph=True, dynamic=False)
        else:
            compile_parts(child)

"""Kernels that ``torch.compile`` makes of a network's parts."""

from torch import nn


def compile_parts(network: nn.Module) -> None:
    """Let each cell, reduction, stem and head be compiled where it is first called.

    Part by part, so that cells of one width share what is compiled: the whole network would take
    as many times longer as it has cells. A part that cannot be compiled as a whole raises.

    Args:
        network: Of this package, or the twin of one.
    """
    for child in network.children():
        is_stage = isinstance(child, nn.Sequential | nn.ModuleList)
        for part in child.children() if is_stage else [child]:
            part.compile(fullgraph=True, dynamic=False)

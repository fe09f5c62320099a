"""The kernels that a step consists of: those of each operation, compiled ones, or our own."""

from importlib.util import find_spec

import torch
from torch import nn

from .._checks import check_choice
from ..errors import InvalidInputError
from ..networks import FoldedNetwork
from ..networks.blocks import ConvolutionNorm, Head, Reduction
from ..networks.cell import Cell
from ..networks.darts import GenotypeCell
from ..networks.normalisation import Normalise

PLAIN, COMPILED, FUSED = KERNELS = ("plain", "compiled", "fused")
"""``plain``: each operation has its own. ``compiled``: ``torch.compile`` makes them, for full
batches. ``fused``: the same, but where attacks see a cell of NAS-Bench-201 in evaluation, each node
is one kernel of ours (``networks.fused``), on a GPU."""

_PARTS = (Normalise, ConvolutionNorm, Cell, GenotypeCell, Reduction, Head)

_VARIANTS = 64
"""Kinds of calls, such as widths, with or without gradients, that one part may be compiled for."""


def check_kernels(kernels: str, device: torch.device) -> str:
    """Return the name of kernels that can be had on a device.

    Raises:
        InvalidInputError: If it is not known, or they cannot be had there.
    """
    check_choice("kernels", kernels, KERNELS)
    if kernels == FUSED and (device.type != "cuda" or find_spec("triton") is None):
        where = device.type if device.type != "cuda" else "a PyTorch without Triton"
        msg = f"kernels: expected {PLAIN} or {COMPILED} on {where}, got {kernels}"
        raise InvalidInputError(msg)
    return kernels


def set_kernels(network: nn.Module, kernels: str) -> None:
    """Let a network be computed by kernels from its next call on.

    Args:
        network: In training, or the twin that attacks see; on its device.
        kernels: A name of :data:`KERNELS`.
    """
    if kernels == PLAIN:
        return
    if isinstance(network, FoldedNetwork) and kernels == FUSED:
        from ..networks.fused import fuse_cells

        fuse_cells(network.twin)
    import torch._dynamo

    config = torch._dynamo.config
    config.recompile_limit = max(config.recompile_limit, _VARIANTS)
    _compile_parts(network)


def _compile_parts(network: nn.Module) -> None:
    """Let each cell, reduction, stem and head be compiled where it is first called.

    Part by part, so that cells of one width share what is compiled: to compile the network as one
    takes as many times longer as it has cells. What cannot be compiled as a whole raises there.
    """
    for child in network.children():
        if isinstance(child, _PARTS):
            child.compile(fullgraph=True, dynamic=False)
        else:
            _compile_parts(child)

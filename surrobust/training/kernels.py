"""The kernels that a step consists of: those of each operation, or fused ones."""

import logging
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .._checks import check_choice
from ..attacks.gradients import input_gradient
from ..errors import InvalidInputError
from ..networks import FoldedNetwork
from ..networks.blocks import ConvolutionNorm, Head, Reduction
from ..networks.cell import Cell
from ..networks.darts import GenotypeCell
from ..networks.normalisation import Normalise

logger = logging.getLogger(__name__)

PLAIN, FUSED = KERNELS = ("plain", "fused")
"""``plain``: each operation has its own. ``fused``, on a GPU, for full batches: where attacks see a
cell of NAS-Bench-201 in evaluation, each node is one kernel of ours (``networks.fused``);
``torch.compile`` makes those of what has none of ours, such as all that learns."""

ALIKE = 0.95
"""The least cosine of gradients of kernels that compute the same. Half precision makes it .99 on
networks that have not learnt, where kernels are compared, and about .95 with float32 later."""

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
        msg = f"kernels: expected {PLAIN} on {where}, got {kernels}"
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
    if isinstance(network, FoldedNetwork):
        from ..networks.fused import fuse_cells

        # Before the rest: a ``FusedCell`` is none of the parts that are compiled.
        fuse_cells(network.twin)
    compile_parts(network)


def make_twin(
    network: nn.Module, dtype: torch.dtype | None, kernels: str, batch: tuple[Tensor, Tensor]
) -> FoldedNetwork:
    """Return a network as attacks see it, by kernels if they compute what the plain ones do.

    The loss of a few steps would not tell: an attack that finds nothing changes it little. What is
    compared is the gradient by images; where it is another one, a line in the log says so.

    Args:
        network: In training, on its device.
        dtype: Of the twin, see ``FoldedNetwork``.
        kernels: A name of :data:`KERNELS` but the first.
        batch: Images and classes, as many as in a step.
    """
    plain, twin = (FoldedNetwork(network, dtype) for _ in range(2))
    set_kernels(twin, kernels)
    alike = gradient_likeness(plain, twin, *batch)
    if alike >= ALIKE:
        return twin
    logger.warning("training: %s kernels are not used: gradients are alike by %.3f", kernels, alike)
    return plain


def gradient_likeness(first: nn.Module, second: nn.Module, x: Tensor, y: Tensor) -> float:
    """Return the cosine of the gradients of two networks by images."""
    a, b = (input_gradient(network, x, y)[1].flatten() for network in (first, second))
    return float(functional.cosine_similarity(a, b, dim=0))


def compile_parts(network: nn.Module, backend: str | Callable[..., Any] = "inductor") -> None:
    """Let each cell, reduction, stem and head be compiled where it is first called.

    Part by part, so that cells of one width share what is compiled: to compile the network as one
    takes as many times longer as it has cells. What cannot be compiled as a whole raises there.

    Args:
        network: Of this package; what is not of it is left as it is.
        backend: Of ``torch.compile``.
    """
    import torch._dynamo

    config = torch._dynamo.config
    # The limit is the whole process's; a higher one of the caller's stays.
    config.recompile_limit = max(config.recompile_limit, _VARIANTS)
    for part in _find_parts(network):
        # Full batches alone are compiled (``Training._as_compiled``), so that sizes are known.
        part.compile(fullgraph=True, dynamic=False, backend=backend)


def _find_parts(network: nn.Module) -> Iterator[nn.Module]:
    for child in network.children():
        if isinstance(child, _PARTS):
            yield child
        else:
            yield from _find_parts(child)

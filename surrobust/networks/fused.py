"""Kernels for a cell of NAS-Bench-201 in evaluation: one for each node, forward and backward.

A node is a sum over its edges of ReLU, convolution and bias (batch norm is folded), average pool or
identity. Operation by operation each term is written and read again, most of them twice; here a
node is computed at once, from the nodes before it, and so is the gradient by a node, whose edges
are the same ones turned round. A cell reads and writes 21 maps for its gradient where separate
operations do 63 (cell 2581).

Written in Triton, which comes with PyTorch for CUDA.
"""

from typing import Any, NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor, nn

from ..spaces import EDGES
from .blocks import ConvolutionNorm
from .cell import Cell

_NONE, _OUTPUT = 0, 3
_MOST = 3
"""Edges that a node may have on one side."""


@triton.jit
def _count(h, w, height, width):
    """Return how many pixels of a 3x3 window are inside the image."""
    rows = 1 + (h > 0).to(tl.float32) + (h < height - 1).to(tl.float32)
    columns = 1 + (w > 0).to(tl.float32) + (w < width - 1).to(tl.float32)
    return rows * columns


@triton.jit
def _positive(value):
    """Return what ReLU makes of numbers.

    ``tl.maximum`` widens half precision, one number at a time, which would be most of what a
    convolution's kernel does; a GPU has an instruction for two of them.
    """
    if value.dtype == tl.bfloat16:
        found = tl.inline_asm_elementwise(
            "max.NaN.bf16x2 $0, $1, $2;", "=r,r,r", [value, tl.zeros_like(value)],
            dtype=tl.bfloat16, is_pure=True, pack=2,
        )  # fmt: skip
    else:
        found = tl.maximum(value, 0.0).to(value.dtype)
    return found


@triton.jit
def _read(
    x, kernel, pixels, h, w, inside, tap,
    H: tl.constexpr, W: tl.constexpr, C: tl.constexpr, OP: tl.constexpr, BACKWARD: tl.constexpr,
):  # fmt: skip
    """Return what a tap of a convolution multiplies: pixels, and its part of the kernel.

    In memory a kernel is (to, tap, from). Backward, the taps are in the opposite order.
    """
    TAPS: tl.constexpr = 1 if OP == 2 else 9
    channels = tl.arange(0, C)
    down = 0 if OP == 2 else tap // 3 - 1
    right = 0 if OP == 2 else tap % 3 - 1
    there = inside & (h + down >= 0) & (h + down < H) & (w + right >= 0) & (w + right < W)
    at = (pixels + down * W + right)[:, None] * C + channels[None, :]
    # Rows are what is summed over: where the convolution goes to, backward, else where it is from.
    if BACKWARD:
        places = channels[:, None] * (TAPS * C) + channels[None, :] + (TAPS - 1 - tap) * C
    else:
        places = channels[:, None] + channels[None, :] * (TAPS * C) + tap * C
    return tl.load(x + at, mask=there[:, None], other=0.0), tl.load(kernel + places)


@triton.jit
def _convolved(
    total, x, kernel, pixels, h, w, inside,
    H: tl.constexpr, W: tl.constexpr, C: tl.constexpr, OP: tl.constexpr, BACKWARD: tl.constexpr,
):  # fmt: skip
    """Add a convolution to a sum, if the edge is one."""
    if OP == 2 or OP == 3:
        TAPS: tl.constexpr = 1 if OP == 2 else 9
        value, weight = _read(x, kernel, pixels, h, w, inside, 0, H, W, C, OP, BACKWARD)
        for tap in tl.static_range(TAPS):
            # The next tap is read before the product of this one, so that both take their time
            # together.
            here, kernel_here = value, weight
            if tap + 1 < TAPS:
                value, weight = _read(
                    x, kernel, pixels, h, w, inside, tap + 1, H, W, C, OP, BACKWARD
                )
            if not BACKWARD:
                here = _positive(here)
            # Sums in float32, as ``total`` is; the maps may be in half precision.
            total = tl.dot(here, kernel_here, total)
    return total


@triton.jit
def _passed(
    total, x, pixels, h, w, inside,
    H: tl.constexpr, W: tl.constexpr, C: tl.constexpr, OP: tl.constexpr, BACKWARD: tl.constexpr,
):  # fmt: skip
    """Add the identity or an average pool to a sum, if the edge is one."""
    channels = tl.arange(0, C)
    if OP == 1:
        at = pixels[:, None] * C + channels[None, :]
        total += tl.load(x + at, mask=inside[:, None], other=0.0).to(tl.float32)
    if OP == 4:
        pooled = tl.zeros_like(total)
        for tap in tl.static_range(9):
            down, right = tap // 3 - 1, tap % 3 - 1
            there = inside & (h + down >= 0) & (h + down < H)
            there = there & (w + right >= 0) & (w + right < W)
            at = (pixels + down * W + right)[:, None] * C + channels[None, :]
            value = tl.load(x + at, mask=there[:, None], other=0.0).to(tl.float32)
            if BACKWARD:
                # A gradient comes from the windows of the neighbours, each of its own count.
                value /= _count(h + down, w + right, H, W)[:, None]
            pooled += value
        if not BACKWARD:
            pooled /= _count(h, w, H, W)[:, None]
        total += pooled
    return total


@triton.jit
def _node(
    out, x0, x1, x2, k0, k1, k2, b0, b1, b2, gate, n,
    H: tl.constexpr, W: tl.constexpr, C: tl.constexpr,
    OP0: tl.constexpr, OP1: tl.constexpr, OP2: tl.constexpr,
    BACKWARD: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Compute a node, or the gradient by one, at some pixels.

    ``OP`` is an op by its number in a cell's code: 1 the identity, 2 and 3 convolutions of 1x1 and
    3x3, 4 the average pool; 0 where there is no edge.
    """
    pixels = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = pixels < n
    place = pixels % (H * W)
    h, w = place // W, place % W
    channels = tl.arange(0, C)
    total = tl.zeros((BLOCK, C), dtype=tl.float32)
    total = _convolved(total, x0, k0, pixels, h, w, inside, H, W, C, OP0, BACKWARD)
    total = _convolved(total, x1, k1, pixels, h, w, inside, H, W, C, OP1, BACKWARD)
    total = _convolved(total, x2, k2, pixels, h, w, inside, H, W, C, OP2, BACKWARD)
    at = pixels[:, None] * C + channels[None, :]
    convolves: tl.constexpr = OP0 == 2 or OP0 == 3 or OP1 == 2 or OP1 == 3 or OP2 == 2 or OP2 == 3
    # Before identities and pools are added: ReLU stands in front of the convolutions alone.
    if BACKWARD and convolves:
        passes = tl.load(gate + at, mask=inside[:, None], other=0.0) > 0
        total = tl.where(passes, total, 0.0)
    if not BACKWARD:
        if OP0 == 2 or OP0 == 3:
            total += tl.load(b0 + channels).to(tl.float32)[None, :]
        if OP1 == 2 or OP1 == 3:
            total += tl.load(b1 + channels).to(tl.float32)[None, :]
        if OP2 == 2 or OP2 == 3:
            total += tl.load(b2 + channels).to(tl.float32)[None, :]
    total = _passed(total, x0, pixels, h, w, inside, H, W, C, OP0, BACKWARD)
    total = _passed(total, x1, pixels, h, w, inside, H, W, C, OP1, BACKWARD)
    total = _passed(total, x2, pixels, h, w, inside, H, W, C, OP2, BACKWARD)
    tl.store(out + at, total.to(out.dtype.element_ty), mask=inside[:, None])


class _Edge(NamedTuple):
    """An edge of a cell: from, to, what it does, and its convolution if it is one."""

    source: int
    target: int
    op: int
    convolution: Any


class FusedCell(nn.Module):
    """A cell in evaluation by one kernel for each node, with no gradients by its weights.

    Args:
        cell: Of which every batch norm is folded into the convolution before it; its convolutions
            stay where they are.
    """

    def __init__(self, cell: Cell) -> None:
        super().__init__()
        self.edges: list[_Edge] = []
        for number in cell.live:
            (source, target), op = EDGES[number], cell.ops[number]
            block = getattr(cell, f"edge_{source}{target}", None)
            convolution = block.convolution if isinstance(block, ConvolutionNorm) else None
            self.edges.append(_Edge(source, target, op, convolution))

    def forward(self, x: Tensor) -> Tensor:
        """Return the last node for the first, both ``(n, channels, h, w)``."""
        return _OfCell.apply(x, self.edges)


class _OfCell(torch.autograd.Function):
    """The last node as a function of the first."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, edges: list[_Edge]) -> Tensor:
        # The kernels count on it: a pixel's channels side by side, at ``pixel * C``.
        nodes = {0: x.contiguous(memory_format=torch.channels_last)}
        for target in range(1, _OUTPUT + 1):
            into = [edge for edge in edges if edge.target == target]
            if into:
                inputs = [nodes[edge.source] for edge in into]
                nodes[target] = _run(inputs, into, gate=None)
        # Their signs tell backward where ReLU lets a gradient through.
        gates = {edge.source for edge in edges if edge.convolution is not None}
        ctx.edges, ctx.gates = edges, sorted(gates)
        ctx.save_for_backward(*(nodes[source] for source in ctx.gates))
        return nodes[_OUTPUT]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        gates = dict(zip(ctx.gates, ctx.saved_tensors, strict=True))
        by = {_OUTPUT: gradients[0].contiguous(memory_format=torch.channels_last)}
        for source in reversed(range(_OUTPUT)):
            out_of = [edge for edge in ctx.edges if edge.source == source]
            if out_of:
                # Without a convolution there is no gate; what is given instead is not read.
                inputs = [by[edge.target] for edge in out_of]
                by[source] = _run(inputs, out_of, gate=gates.get(source, inputs[0]))
        return by[0], None


def shape_for(channels: int) -> tuple[int, int]:
    """Return how many pixels of a width a program computes, and by how many warps."""
    # 4096 float32 sums in a program of 32 or 64 channels, 32 a thread. Other shapes are not
    # measured yet; ``experiments/verify/gpu.py --parts shapes`` does.
    return (128 if channels <= 32 else 64), 4


def _run(inputs: list[Tensor], edges: list[_Edge], *, gate: Tensor | None) -> Tensor:
    """Compute a node from those before it, or, with a gate, a gradient from those behind it."""
    first = inputs[0]
    out = torch.empty_like(first)
    n, channels, height, width = first.shape
    # The kernel's arguments are always three; of those whose op is 0 nothing is read.
    more = _MOST - len(inputs)
    ops = [edge.op for edge in edges] + more * [_NONE]
    kernels, biases = [], []
    for edge in edges:
        convolution = edge.convolution
        kernels.append(first if convolution is None else _laid_out(convolution.weight))
        biases.append(first if convolution is None else convolution.bias)
    pixels = n * height * width
    block, warps = shape_for(channels)
    _node[(triton.cdiv(pixels, block),)](
        out,
        *(inputs + more * [first]),
        *(kernels + more * [first]),
        *(biases + more * [first]),
        first if gate is None else gate,
        pixels,
        H=height,
        W=width,
        C=channels,
        OP0=ops[0],
        OP1=ops[1],
        OP2=ops[2],
        BACKWARD=gate is not None,
        BLOCK=block,
        num_warps=warps,
    )
    return out


def _laid_out(kernel: Tensor) -> Tensor:
    """Return a kernel as ``(to, tap, from)`` in memory, as it is with channels last."""
    return kernel.contiguous(memory_format=torch.channels_last)


def fuse_cells(network: nn.Module) -> None:
    """Let the cells of a folded network be computed node by node, where their width allows.

    Args:
        network: The twin of a ``FoldedNetwork``. Cells that no signal passes, those in which a
            convolution reads what none comes to, and those of other than a power of two of
            channels, at least 16, stay as they are.
    """
    for name, child in network.named_children():
        if isinstance(child, Cell) and _fits(child):
            setattr(network, name, FusedCell(child))
        else:
            fuse_cells(child)


def _fits(cell: Cell) -> bool:
    widths = {module.out_channels for module in cell.modules() if isinstance(module, nn.Conv2d)}
    signal_alone = bool(cell.live) and cell.live == cell.computed[False]
    # ``tl.arange`` takes powers of two alone, ``tl.dot`` no side below 16.
    return signal_alone and all(w >= 16 and w & (w - 1) == 0 for w in widths)

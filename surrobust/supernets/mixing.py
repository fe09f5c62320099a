"""An edge of a DARTS-type supernet: all of its ops at once, on all channels or on some."""

from collections.abc import Iterator
from functools import reduce

import torch
from torch import Tensor, nn

from ..networks.darts_ops import make_op


class FullEdge(nn.ModuleList):
    """Every op sees every channel (DARTS, ICLR 2019, equation 2).

    Args:
        ops: Names of the ops.
        channels: Of input and output.
        stride: 1 or 2.
    """

    def __init__(self, ops: tuple[str, ...], channels: int, stride: int) -> None:
        super().__init__(make_op(op, channels, stride, affine=False, mixed=True) for op in ops)

    def parts(self, x: Tensor, weights: Tensor) -> Iterator[Tensor]:
        """Yield what is summed up to the output, op by op.

        Args:
            x: ``(n, channels, h, w)``.
            weights: Of the ops, ``(ops,)``.
        """
        for weight, op in zip(weights, self, strict=True):
            yield weight * op(x)


class PartialEdge(nn.Module):
    """The ops see the first of K groups of channels; the others pass by, and all are shuffled.

    Xu, Xie, Zhang, Chen, Qi, Tian & Xiong, "PC-DARTS: Partial Channel Connections for
    Memory-Efficient Architecture Search" (ICLR 2020, arXiv 1907.05737), section 3.2. Where the ops
    halve the image, the others are pooled: the maximum of 2 x 2 pixels.

    Args:
        ops: Names of the ops.
        channels: Of input and output, a multiple of ``partial``.
        stride: 1 or 2; with 2 the image's sides are even.
        partial: K.
    """

    def __init__(self, ops: tuple[str, ...], channels: int, stride: int, partial: int) -> None:
        super().__init__()
        self.partial = partial
        self.ops = FullEdge(ops, channels // partial, stride)
        self.past: nn.Module = nn.MaxPool2d(2, 2) if stride == 2 else nn.Identity()

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        """Return the output.

        Args:
            x: ``(n, channels, h, w)``.
            weights: Of the ops, ``(ops,)``, not negative.
        """
        seen = x.shape[1] // self.partial
        mixed = reduce(torch.add, self.ops.parts(x[:, :seen], weights))
        return shuffle(torch.cat([mixed, self.past(x[:, seen:])], dim=1), self.partial)


def shuffle(x: Tensor, groups: int) -> Tensor:
    """Return the first channel of each group, then the second of each, and so on.

    Args:
        x: ``(n, channels, h, w)``.
        groups: Of neighbouring channels, equally many each.
    """
    return x.unflatten(1, (groups, -1)).transpose(1, 2).flatten(1, 2)

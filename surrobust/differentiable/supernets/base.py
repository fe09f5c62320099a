"""What every supernet promises, and the mixed edge of a DARTS-type one."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import reduce
from typing import TypeVar

import torch
from torch import Tensor, nn

from ...networks.darts_ops import make_op
from ...networks.network import initialise
from ...networks.normalisation import Normalise, Statistics

ALPHAS = "alphas"
"""Name of the architecture parameters among the parameters."""

_SPREAD = 1e-3


class AbstractSupernet(ABC, nn.Module):
    """A network whose edges are mixtures of ops.

    Args:
        roles: Names of the cells that are searched for, each with mixtures of its own.
        edges: Edges of a cell.
        ops: Names of the ops of an edge.
        normed: Whether each edge has a weight of its own, beside those of its ops. Its parameter
            then stands behind those of the ops in ``alphas``.
    """

    def __init__(
        self, roles: tuple[str, ...], edges: int, ops: tuple[str, ...], *, normed: bool = False
    ) -> None:
        super().__init__()
        self.normalise: Normalise
        self.roles, self.ops = roles, ops
        # One tensor for all of them, so that a gradient by it is one tensor, too.
        self.alphas = nn.Parameter(torch.zeros(len(roles), edges, len(ops) + normed))

    def probabilities(self) -> Tensor:
        """Return the weights of the ops, ``(roles, edges, ops)``, each edge summing to 1."""
        return self.alphas[..., : len(self.ops)].softmax(-1)

    def weights(self) -> dict[str, nn.Parameter]:
        """Return every parameter but the architecture's, by name."""
        return {name: p for name, p in self.named_parameters() if name != ALPHAS}

    @torch.no_grad()
    def draw_alphas(self, generator: torch.Generator) -> None:
        """Draw the architecture parameters from N(0, 0.001), as DARTS does."""
        self.alphas.normal_(0, _SPREAD, generator=generator)

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Return logits ``(n, classes)`` for images ``(n, c, h, w)`` in [0, 1]."""


S = TypeVar("S", bound=AbstractSupernet)


def prepare(network: S, statistics: Statistics, generator: torch.Generator | None) -> S:
    """Return a supernet that was made on no device, with weights, statistics and ``alphas``.

    Args:
        network: On the meta device.
        statistics: Mean and standard deviation per channel of the images.
        generator: Source of weights and architecture parameters; a new one seeded with 0 if None.
    """
    generator = generator or torch.Generator().manual_seed(0)
    network.to_empty(device="cpu")
    network.normalise.set_statistics(statistics)
    initialise(network, generator)
    network.draw_alphas(generator)
    return network


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
        # Shuffled behind, so that the first group is another mixture of channels further on.
        seen = x.shape[1] // self.partial
        mixed = reduce(torch.add, self.ops.parts(x[:, :seen], weights))
        return shuffle(torch.cat([mixed, self.past(x[:, seen:])], dim=1), self.partial)


def shuffle(x: Tensor, groups: int) -> Tensor:
    """Return the first channel of each group, then the second of each, and so on.

    Args:
        x: ``(n, channels, h, w)``.
        groups: Of neighbouring channels, equally many each.
    """
    # (n, groups, channels of one, h, w), turned round, and one after the other again.
    return x.unflatten(1, (groups, -1)).transpose(1, 2).flatten(1, 2)

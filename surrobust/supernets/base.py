"""What every supernet promises."""

from abc import ABC, abstractmethod
from typing import TypeVar

import torch
from torch import Tensor, nn

from ..networks.network import initialise
from ..networks.normalisation import Normalise, Statistics

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

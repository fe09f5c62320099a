"""Strategy ``darts``."""

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional

from ..supernets import AbstractSupernet
from .base import AbstractMethod, Batch
from .unrolling import Function


class Darts(AbstractMethod):
    """Plain differentiable search: the loss on held-out images, nothing about attacks.

    Liu, Simonyan & Yang, "DARTS: Differentiable Architecture Search" (ICLR 2019, arXiv 1806.09055).
    """

    name = "darts"

    def outers(self, network: AbstractSupernet, batch: Batch) -> dict[str, Function]:  # noqa: ARG002
        """Return the loss."""
        return {"loss": cross_entropy(batch)}

    def combine(
        self,
        gradients: Sequence[Tensor],
        values: Sequence[float],  # noqa: ARG002
    ) -> tuple[Tensor, dict[str, float]]:
        """Return the loss's gradient."""
        return gradients[0], {}


def cross_entropy(batch: Batch) -> Function:
    """Return the mean cross-entropy on a batch as a function of the network."""
    return lambda network: functional.cross_entropy(network(batch.x), batch.y)

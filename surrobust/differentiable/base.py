"""What a differentiable strategy is, and the first of them, ``darts``."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor
from torch.nn import functional

from .supernets import AbstractSupernet
from .unrolling import Function


@dataclass(frozen=True)
class SearchBatch:
    """Images with classes, and the seed of what is random about them.

    Args:
        x: ``(n, c, h, w)`` in [0, 1].
        y: ``(n,)``.
        seed: Of attacks.
    """

    x: Tensor
    y: Tensor
    seed: int = 0


class AbstractGradientStrategy(ABC):
    """A way to search by gradients.

    The loop asks it for the images that the weights are fitted to, for the outer objectives, which
    are functions of the supernet, and for the one gradient to step against that it makes of
    theirs.
    """

    name: ClassVar[str]
    """The key in ``GRADIENT_CLASSES``."""

    own_space: ClassVar[str] = "darts"
    """The DARTS-type space of its paper, a name in ``DARTS_SPACES``."""

    placed: bool = False
    """Whether accurate and robust cells are told apart."""

    widths: tuple[int, int, int] = (1, 2, 4)
    """Channels before the first reduction, between both, and behind, in multiples of C."""

    @property
    def options(self) -> dict[str, Any]:
        """What it was made with, as a JSON object: the keyword arguments."""
        return {}

    def fitted(self, network: AbstractSupernet, batch: SearchBatch) -> Tensor:  # noqa: ARG002
        """Return the images that the weights are fitted to: the batch's own, or attacked ones."""
        return batch.x

    @abstractmethod
    def outers(self, network: AbstractSupernet, batch: SearchBatch) -> dict[str, Function]:
        """Return the outer objectives by name, each a function of the supernet.

        Args:
            network: At the weights as they are, for what does not follow those that an objective
                is evaluated at.
            batch: Images that fit the architecture.
        """

    @abstractmethod
    def combine(
        self, gradients: Sequence[Tensor], values: Sequence[float]
    ) -> tuple[Tensor, dict[str, float]]:
        """Return the gradient to step against, and numbers worth telling about it.

        Args:
            gradients: Of the outer objectives, in their order, of the shape of ``alphas``.
            values: Of the outer objectives.
        """


class Darts(AbstractGradientStrategy):
    """Plain differentiable search: the loss on held-out images, nothing about attacks.

    Liu, Simonyan & Yang, "DARTS: Differentiable Architecture Search" (ICLR 2019, arXiv 1806.09055).
    """

    name = "darts"

    def outers(self, network: AbstractSupernet, batch: SearchBatch) -> dict[str, Function]:  # noqa: ARG002
        """Return the loss."""
        return {"loss": cross_entropy(batch)}

    def combine(
        self,
        gradients: Sequence[Tensor],
        values: Sequence[float],  # noqa: ARG002
    ) -> tuple[Tensor, dict[str, float]]:
        """Return the loss's gradient."""
        return gradients[0], {}


def cross_entropy(batch: SearchBatch) -> Function:
    """Return the mean cross-entropy on a batch as a function of the network."""
    return lambda network: functional.cross_entropy(network(batch.x), batch.y)

"""Strategy ``arnas``."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.nn import functional

from ..attacks import PGD
from ..supernets import AbstractSupernet
from .base import AbstractMethod, Batch
from .darts import cross_entropy
from .mgda import combine_two
from .unrolling import Function


class Arnas(AbstractMethod):
    """Accurate cells near the input, robust ones near the output, by two gradients at once.

    Ou, Feng & Sun, "Towards Accurate and Robust Architectures via Neural Architecture Search"
    (CVPR 2024, arXiv 2405.05502). Reductions stand at a third and two thirds of the network,
    accurate cells before the second of them and robust ones behind; the channels are C : 2C : 2C.
    The weights, and the step through which second-order gradients go, learn from PGD's images. The
    gradients of the clean loss and of ``weight`` times the loss under attack are combined to the
    shortest convex combination (MGDA).

    In NAS-Bench-201 the reductions are fixed blocks in those same places; accurate and robust cell
    are searched for.

    Args:
        epsilon: Linf radius on the [0, 1] pixel scale.
        steps: Steps of PGD.
        step_size: Their length.
        weight: Of the loss under attack, in the outer problem.
        mgda: Whether the gradients are combined so; otherwise they are added.
        placed: Whether accurate and robust cells are told apart.

    Raises:
        InvalidInputError: If an option is not what was expected.
    """

    name = "arnas"
    own_space = "arnas"
    widths = (1, 2, 2)

    def __init__(
        self,
        *,
        epsilon: float = 8 / 255,
        steps: int = 7,
        step_size: float = 2 / 255,
        weight: float = 0.1,
        mgda: bool = True,
        placed: bool = True,
    ) -> None:
        self._attack_options: dict[str, Any] = {
            "epsilon": epsilon,
            "steps": steps,
            "step_size": step_size,
        }
        PGD(**self._attack_options)  # refuses what it cannot do
        self.weight, self.mgda, self.placed = float(weight), bool(mgda), bool(placed)

    @property
    def options(self) -> dict[str, Any]:
        """What it was made with."""
        own = {"weight": self.weight, "mgda": self.mgda, "placed": self.placed}
        return {**self._attack_options, **own}

    def fitted(self, network: AbstractSupernet, batch: Batch) -> Tensor:
        """Return PGD's images."""
        attack = PGD(**self._attack_options, seed=batch.seed)
        return attack(network, batch.x, batch.y, checks=False)

    def outers(self, batch: Batch) -> dict[str, Function]:
        """Return the clean loss and the weighted loss under an attack on the network at hand."""

        def attacked(network: AbstractSupernet) -> Tensor:
            x = self.fitted(network, batch)
            return self.weight * functional.cross_entropy(network(x), batch.y)

        return {"clean": cross_entropy(batch), "attacked": attacked}

    def combine(
        self,
        gradients: Sequence[Tensor],
        values: Sequence[float],  # noqa: ARG002
    ) -> tuple[Tensor, dict[str, float]]:
        """Return the shortest convex combination, or the sum."""
        clean, attacked = gradients
        if not self.mgda:
            return clean + attacked, {}
        combined, share = combine_two(clean, attacked)
        return combined, {"clean_share": share}

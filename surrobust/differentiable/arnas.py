"""Strategy ``arnas``, and the two gradients that it combines."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.nn import functional

from .._checks import check_choice
from ..attacks import PGD
from .base import AbstractGradientStrategy, SearchBatch, cross_entropy
from .climbing import climb
from .supernets import AbstractSupernet
from .unrolling import Function, evaluate_at

MODES = ("train", "eval")


class Arnas(AbstractGradientStrategy):
    """Accurate cells near the input, robust ones near the output, by two gradients at once.

    Ou, Feng & Sun, "Towards Accurate and Robust Architectures via Neural Architecture Search"
    (CVPR 2024, arXiv 2405.05502). Reductions stand at a third and two thirds of the network,
    accurate cells before the second of them and robust ones behind; the channels are C : 2C : 2C.
    The weights, and the step through which second-order gradients go, learn from PGD's images. The
    gradients of the clean loss and of ``weight`` times the loss under attack are combined to the
    shortest convex combination (MGDA).

    The attack is that of the authors' code (fyqsama/ARNAS, commit 9bcc2e3, ``train_search.py``):
    PGD from a random start with batch norm in training mode, on the weights as they are also where
    second-order gradients are of weights one step on, and without bringing pixels back into [0, 1].
    Each of the three can be had otherwise. Unlike the authors' code, derivatives of second order
    are exact (see ``unrolling``) and an epoch has its own learning rate, not that of the next,
    which their schedule comes to under PyTorch 1.2. Their images are not normalised: the preset
    ``arnas-paper`` does so, others not, as the networks of the tables normalise.

    In NAS-Bench-201 the reductions are fixed blocks in those same places; accurate and robust cell
    are searched for.

    Args:
        epsilon: Linf radius on the [0, 1] pixel scale.
        steps: Steps of PGD.
        step_size: Their length.
        weight: Of the loss under attack, in the outer problem.
        mgda: Whether the gradients are combined so; otherwise they are added.
        placed: Whether accurate and robust cells are told apart.
        modes: ``train`` or ``eval``: of batch norm, while attacking.
        unrolled: Whether the attack in the outer problem is on the weights that its loss is of;
            otherwise on those as they are.
        clipped: Whether attacked pixels stay in [0, 1].

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
        modes: str = "train",
        unrolled: bool = False,
        clipped: bool = False,
    ) -> None:
        size: dict[str, Any] = {"epsilon": epsilon, "steps": steps, "step_size": step_size}
        PGD(**size)  # refuses what it cannot do
        how = {"modes": check_choice("modes", modes, MODES), "clipped": bool(clipped)}
        self._attack_options: dict[str, Any] = {**size, **how}
        self.unrolled = bool(unrolled)
        self.weight, self.mgda, self.placed = float(weight), bool(mgda), bool(placed)

    @property
    def options(self) -> dict[str, Any]:
        """What it was made with."""
        own = {"weight": self.weight, "mgda": self.mgda, "placed": self.placed}
        return {**self._attack_options, **own, "unrolled": self.unrolled}

    def fitted(self, network: AbstractSupernet, batch: SearchBatch) -> Tensor:
        """Return attacked images; the network's statistics are left as they are."""
        return evaluate_at(network, {}, lambda at: climb(at, batch, **self._attack_options))

    def outers(self, network: AbstractSupernet, batch: SearchBatch) -> dict[str, Function]:
        """Return the clean loss and the weighted loss under attack."""
        x = None if self.unrolled else self.fitted(network, batch)

        def attacked(at: AbstractSupernet) -> Tensor:
            images = climb(at, batch, **self._attack_options) if x is None else x
            return self.weight * functional.cross_entropy(at(images), batch.y)

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


def combine_two(first: Tensor, second: Tensor) -> tuple[Tensor, float]:
    """Return the shortest convex combination of two gradients, and the share of the first.

    Désidéri's multiple-gradient descent has this closed form for two tasks (Sener & Koltun,
    "Multi-Task Learning as Multi-Objective Optimization", NeurIPS 2018, equation 4), as ARNAS uses
    it: ``c = clip(<second - first, second> / |second - first|^2, 0, 1)``, then
    ``c * first + (1 - c) * second``. A step against it lowers both losses or, where no direction
    does, it is zero. Of equal gradients, the share is a half.

    Args:
        first: Any shape.
        second: The same shape.
    """
    difference = second - first
    length = float((difference * difference).sum())
    share = 0.5 if length == 0 else float((difference * second).sum()) / length
    share = min(max(share, 0.0), 1.0)
    return share * first + (1 - share) * second, share

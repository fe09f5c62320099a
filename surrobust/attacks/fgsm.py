"""Attack ``fgsm``."""

from collections.abc import Callable

import torch
from torch import Tensor

from .balls import steepest
from .base import AbstractAttack
from .gradients import input_gradient


class FGSM(AbstractAttack):
    """One step of full size up the loss.

    Goodfellow, Shlens & Szegedy, "Explaining and harnessing adversarial examples" (ICLR 2015,
    arXiv 1412.6572), section 4: the optimal perturbation of a linear loss, for Linf the sign of
    its gradient, for L2 the gradient itself.

    Args:
        epsilon: See :class:`AbstractAttack`.
        norm: See :class:`AbstractAttack`.
        seed: Not used; the attack makes no random choice.
    """

    name = "fgsm"

    def _perturb(
        self,
        network: Callable[[Tensor], Tensor],
        x: Tensor,
        y: Tensor,
        generator: torch.Generator,
    ) -> Tensor:
        del generator
        _, gradient, _ = input_gradient(network, x, y)
        return x + self.epsilon * steepest(gradient, self.norm)

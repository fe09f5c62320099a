"""Attacks ``fgsm`` and ``pgd``: steps along the gradient's sign."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from .._checks import brief, check_integer
from ..errors import InvalidInputError
from .balls import draw, steepest
from .base import AbstractAttack
from .gradients import input_gradient


class PGD(AbstractAttack):
    """Steps up the loss, each followed by a projection into the ball.

    Madry, Makelov, Schmidt, Tsipras & Vladu, "Towards deep learning models resistant to
    adversarial attacks" (ICLR 2018, arXiv 1706.06083), equation 2.1 and section 3. With the
    defaults and epsilon 8/255 this is NAS-RobBench-201's PGD-20 with steps of epsilon / 8.

    Args:
        epsilon: See :class:`AbstractAttack`.
        norm: See :class:`AbstractAttack`.
        steps: Gradient steps of one start.
        step_size: Length of a step on the [0, 1] pixel scale; None is 2.5 epsilon / steps.
        random_start: Whether to start from a point drawn from the ball, not from the image.
        restarts: Starts in all. Of each image the result that is misclassified is kept, among
            equals the one of the highest loss.
        seed: See :class:`AbstractAttack`.

    Raises:
        InvalidInputError: If an argument is not what was expected.
    """

    name = "pgd"

    def __init__(
        self,
        epsilon: float = 8 / 255,
        *,
        norm: str = "Linf",
        steps: int = 20,
        step_size: float | None = None,
        random_start: bool = True,
        restarts: int = 1,
        seed: int = 0,
    ) -> None:
        super().__init__(epsilon, norm=norm, seed=seed)
        self.steps = check_integer("steps", steps, minimum=1)
        self.restarts = check_integer("restarts", restarts, minimum=1)
        self.random_start = random_start
        if step_size is not None and not 0 < step_size < float("inf"):
            msg = f"step_size: expected a finite number above 0, got {brief(step_size)}"
            raise InvalidInputError(msg)
        # More than the ball's diameter together: from whatever start, all of it can be come to.
        self.step_size = 2.5 * self.epsilon / steps if step_size is None else float(step_size)

    def _perturb(
        self,
        network: Callable[[Tensor], Tensor],
        x: Tensor,
        y: Tensor,
        generator: torch.Generator,
    ) -> Tensor:
        found = self._ascend(network, x, y, generator)
        if self.restarts == 1:
            return found
        score = _score(network, found, y)
        for _ in range(1, self.restarts):
            other = self._ascend(network, x, y, generator)
            others = _score(network, other, y)
            # Strictly: among equals the first start's stays.
            better = others > score
            found = torch.where(better.view(-1, 1, 1, 1), other, found)
            score = torch.where(better, others, score)
        return found

    def _ascend(
        self,
        network: Callable[[Tensor], Tensor],
        x: Tensor,
        y: Tensor,
        generator: torch.Generator,
    ) -> Tensor:
        start = draw(x, self.norm, self.epsilon, generator) if self.random_start else x * 0
        found = self._nearest(start, x)
        for _ in range(self.steps):
            _, gradient, _ = input_gradient(network, found, y)
            step = self.step_size * steepest(gradient, self.norm)
            found = self._nearest(found + step - x, x)
        return found


def _score(network: Callable[[Tensor], Tensor], x: Tensor, y: Tensor) -> Tensor:
    """Return what an attacker wants, ``(n,)``: misclassified above all, then a high loss."""
    with torch.no_grad():
        logits = network(x)
        losses = nn.functional.cross_entropy(logits, y, reduction="none")
    # atan maps losses to below 2, so that any misclassified image is above any other.
    return 2.0 * (logits.argmax(1) != y) + torch.atan(losses)


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

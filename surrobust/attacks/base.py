"""What every attack promises: images in the ball and in range, nothing else changed."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, final

import torch
from torch import Tensor

from .._classifiers import (
    HALF,
    check_images,
    check_labels,
    check_weights,
    differentiating,
    evaluating,
    outside_inference,
)
from ..errors import InvalidInputError
from ..threat import ThreatModel
from .balls import project, size
from .soundness import look_at

# In [0, 1] float32 rounds by 3e-8 at most: in L2 over CIFAR-10's 3072 pixels by 1.7e-6.
_SLACK = 1e-5
"""How far rounding may carry a float32 perturbation beyond its ball, relative to the range."""


class AbstractAttack(ABC):
    """An attack on classifiers, made with what the attacker may do.

    The base checks what it is given, calls the variant with every module of the network in
    evaluation mode, those too that a function refers to, brings the result into the ball and the
    range of a pixel, and leaves the network as it was: the mode of each module, its parameters and
    their gradients. It takes gradients under ``torch.no_grad`` and ``torch.inference_mode`` too.
    Every random number comes from ``seed``, the same for each call.

    Args:
        epsilon: Radius of the ball on the [0, 1] pixel scale.
        norm: ``Linf`` or ``L2``.
        seed: Seed of every random choice.

    Raises:
        InvalidInputError: If epsilon or norm is not what was expected.
    """

    name: ClassVar[str]
    """Its name in ``ATTACKS``."""

    min_classes: ClassVar[int] = 1
    """Classes that a network must have."""

    def __init__(self, epsilon: float = 8 / 255, *, norm: str = "Linf", seed: int = 0) -> None:
        self.threat = ThreatModel(epsilon, norm)
        self.seed = seed

    @property
    def epsilon(self) -> float:
        """Radius of the ball on the [0, 1] pixel scale."""
        return self.threat.epsilon

    @property
    def norm(self) -> str:
        """``Linf`` or ``L2``."""
        return self.threat.norm

    def describe(self) -> dict[str, Any]:
        """Return name, threat model and every option, as JSON can say them."""
        options = {key: value for key, value in vars(self).items() if key != "threat"}
        return {"name": self.name, "epsilon": self.epsilon, "norm": self.norm, **options}

    @final
    def __call__(
        self, network: Callable[[Tensor], Tensor], x: Tensor, y: Tensor, *, checks: bool = True
    ) -> Tensor:
        """Return attacked images.

        Args:
            network: Maps images ``(n, c, h, w)`` to logits ``(n, classes)``.
            x: Images, ``(n, c, h, w)`` floating point in [0, 1]. The network is given images of
                their type; those of half precision are attacked in float32 and rounded for it.
            y: Their true classes, ``(n,)`` int64.
            checks: Whether to look at the network's answers to at most 32 images first, which takes
                two passes: they must be finite logits of as many classes as there are labels; a
                warning is logged if they are random, are probabilities, or have no gradients.

        Returns:
            Images of the same shape, type and device, in the ball around ``x`` and in [0, 1].

        Raises:
            InvalidInputError: If images or labels are not what was expected, or the network's
                answer is not finite logits of more classes than the largest label.
            RuntimeError: If the attack returned what is not an image, such as NaN.
        """
        check_images(x, self.threat.bounds)
        check_labels(y, len(x))
        check_weights(network)
        if not len(x):
            return x.detach().clone()
        with differentiating(), evaluating(network):
            x, y = outside_inference(x), outside_inference(y)
            if checks:
                self.check_classes(look_at(network, x, y, self.name))
            wide = x.float() if x.dtype in HALF else x
            seen = network if wide is x else _rounded(network, x.dtype)
            generator = torch.Generator(device=x.device).manual_seed(self.seed)
            # Into the ball before it is rounded: ``towards`` keeps inside what is inside.
            found = self._within(self._perturb(seen, wide, y, generator).detach(), wide)
            return found if wide is x else self._round(network, found, x, y)

    def check_classes(self, classes: int) -> None:
        """Check that a network has as many classes as the attack needs.

        Raises:
            InvalidInputError: If it has fewer.
        """
        if classes < self.min_classes:
            msg = f"{self.name}: expected at least {self.min_classes} classes, got {classes}"
            raise InvalidInputError(msg)

    @abstractmethod
    def _perturb(
        self,
        network: Callable[[Tensor], Tensor],
        x: Tensor,
        y: Tensor,
        generator: torch.Generator,
    ) -> Tensor:
        """Return attacked images; the base brings them into the ball and the range."""

    def _nearest(self, delta: Tensor, x: Tensor) -> Tensor:
        """Return ``x + delta`` brought into the ball, then into the range of a pixel.

        The second step only takes each pixel nearer to ``x``, so that the result is in both.
        """
        return (x + project(delta, self.norm, self.epsilon)).clamp(*self.threat.bounds)

    def _round(
        self, network: Callable[[Tensor], Tensor], found: Tensor, x: Tensor, y: Tensor
    ) -> Tensor:
        """Return attacked images in the half precision of ``x``.

        What just crosses a boundary may fall back by rounding: it is then taken on to the ball's
        surface, if that crosses.
        """
        wide = x.to(found.dtype)
        delta = found - wide
        # Of an image that did not move delta is 0, whatever it is divided by.
        most = size(delta, self.norm).clamp_min(1e-12).view(-1, 1, 1, 1)
        near, far = (
            towards(image, x) for image in (found, self._nearest(delta * self.epsilon / most, wide))
        )
        with torch.no_grad():
            fell = (network(near).argmax(1) == y) & (network(far).argmax(1) != y)
        return torch.where(fell.view(-1, 1, 1, 1), far, near)

    def _within(self, found: Tensor, x: Tensor) -> Tensor:
        if found.shape != x.shape or not bool(torch.isfinite(found).all()):
            msg = f"{type(self).__name__} returned {tuple(found.shape)} or numbers not finite"
            raise RuntimeError(msg)
        inside = self._nearest(found - x, x)
        if len(x) and float(size(inside - x, self.norm).max()) > self.epsilon + _SLACK:
            msg = f"{type(self).__name__} left the ball of {self.threat}"
            raise RuntimeError(msg)
        return inside

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.threat})"


def _rounded(network: Callable[[Tensor], Tensor], dtype: torch.dtype) -> Callable[[Tensor], Tensor]:
    """Return a network of half precision as a function of float32 images."""
    return lambda x: network(x.to(dtype))


def towards(found: Tensor, x: Tensor) -> Tensor:
    """Return images in the half precision of ``x``, each pixel no farther from that in ``x``.

    Rounded to the nearest, some would leave the ball.
    """
    near, centre = found.to(x.dtype).abs(), x.to(found.dtype)
    beyond = (near.to(found.dtype) - centre).abs() > (found - centre).abs()
    # Of numbers that are not negative the next one is that of the next pattern of bits.
    step = (centre - near.to(found.dtype)).sign().to(torch.int16)
    return torch.where(beyond, (near.view(torch.int16) + step).view(x.dtype), near)

"""What every attack promises: images in the ball and in range, nothing else changed."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, final

import torch
from torch import Tensor, nn

from .._checks import brief
from ..errors import InvalidInputError
from ..threat import ThreatModel
from .balls import project, size
from .soundness import warn_if_unsound

_SLACK = 1e-5
"""How far rounding may carry a float32 perturbation beyond its ball, relative to the range."""


class AbstractAttack(ABC):
    """An attack on classifiers, made with what the attacker may do.

    The base checks what it is given, calls the variant with the network in evaluation mode,
    brings the result into the ball and the range of a pixel, and leaves the network as it was:
    its mode, its parameters and their gradients. Every random number comes from ``seed``, the
    same for each call.

    Args:
        epsilon: Radius of the ball on the [0, 1] pixel scale.
        norm: ``Linf`` or ``L2``.
        seed: Seed of every random choice.

    Raises:
        InvalidInputError: If epsilon or norm is not what was expected.
    """

    name: ClassVar[str]
    """Its name in ``ATTACKS``."""

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
            x: Images, ``(n, c, h, w)`` floating point in [0, 1].
            y: Their true classes, ``(n,)`` int64.
            checks: Whether to log a warning if the network is random, returns probabilities, or
                has no gradients; it takes two passes over at most 32 images.

        Returns:
            Images of the same shape, type and device, in the ball around ``x`` and in [0, 1].

        Raises:
            InvalidInputError: If images or labels are not what was expected.
            RuntimeError: If the attack returned what is not an image, such as NaN.
        """
        _check(x, y, self.threat.bounds)
        x = x.detach()
        generator = torch.Generator(device=x.device).manual_seed(self.seed)
        training = isinstance(network, nn.Module) and network.training
        if training:
            network.eval()  # type: ignore[attr-defined]
        try:
            if checks:
                warn_if_unsound(network, x, y, self.name)
            with torch.enable_grad():
                found = self._perturb(network, x, y, generator)
        finally:
            if training:
                network.train()  # type: ignore[attr-defined]
        return self._within(found.detach(), x)

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


def _check(x: Any, y: Any, bounds: tuple[float, float]) -> None:
    if not isinstance(x, Tensor) or x.ndim != 4 or not x.is_floating_point():
        got = f"{tuple(x.shape)} {x.dtype}" if isinstance(x, Tensor) else brief(x)
        msg = f"x: expected a floating-point tensor of shape (n, c, h, w), got {got}"
        raise InvalidInputError(msg)
    whole = isinstance(y, Tensor) and y.dtype == torch.int64
    if not whole or y.shape != x.shape[:1]:
        got = f"{tuple(y.shape)} {y.dtype}" if isinstance(y, Tensor) else brief(y)
        msg = f"y: expected an int64 tensor of shape ({len(x)},), got {got}"
        raise InvalidInputError(msg)
    low, high = bounds
    if x.numel() and not bool(((x >= low) & (x <= high)).all()):
        got = f"{float(x.min()):g} to {float(x.max()):g}"
        msg = f"x: expected values in [{low:g}, {high:g}], got {got}"
        raise InvalidInputError(msg)

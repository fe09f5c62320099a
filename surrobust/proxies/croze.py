"""Proxy ``croze``."""

from collections.abc import Callable
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .._checks import check_choice
from ..networks import CellNetwork
from .base import AbstractProxy
from .croze_released import score_as_released
from .probe import Probe

VARIANTS = ("paper", "code")
"""The formula of the paper, and what the released code computes."""


@dataclass
class _View:
    """What one network shows of itself on one batch, layer by layer."""

    features: list[Tensor]
    weights: list[Tensor]
    gradients: list[Tensor]


class Croze(AbstractProxy):
    """Consistency between a network on images and its robust twin on attacked ones.

    Ha, Kim & Hwang, "Generalizable Lightweight Proxy for Robust NAS against Diverse Perturbations"
    (NeurIPS 2023, arXiv 2306.05031). The twin's weights are moved up the loss, layer by layer, by
    ``strength`` times the weight's norm (equation 3); its images by an FGSM step on the twin
    (equation 4). The score is ``sum_m Z_m P_m G_m`` over convolutions and the classifier
    (equations 5 to 10): ``1 + cos`` of the features, ``1 + cos`` of the weights after one gradient
    step each, ``|cos|`` of the gradients, each over the whole layer, batch norm in training mode.
    Unlike the authors' code, which computes something else.

    The variant ``code`` is that, see ``croze_released``: absolute weights in double precision,
    batch norm in the reductions alone, images moved down the loss and clipped after they were
    normalised, the weights themselves compared, features of five places instead of each layer's,
    cosines along the first axis, summed. Given the same weights, biases and images it returns the
    same number. The sums grow with the sizes of layers: parts of the score count parameters.

    Args:
        variant: One of :data:`VARIANTS`.
        strength: Length of the twin's step by the norm of the weight.
        epsilon: Linf radius of the attack on the [0, 1] pixel scale; of normalised pixels in the
            variant ``code``.
        rate: Learning rate of the one gradient step, in the variant ``paper``.
        images: How many images of the batch to take, at most.
    """

    name = "croze"

    def __init__(
        self,
        variant: str = "paper",
        *,
        # These two and the number of images as in the authors' code.
        strength: float = 2.0,
        epsilon: float = 0.01,
        rate: float = 0.1,
        images: int = 8,
    ) -> None:
        self.variant = check_choice("variant", variant, VARIANTS)
        self.strength, self.epsilon, self.rate, self.images = strength, epsilon, rate, images

    @property
    def column(self) -> str:
        """The name, and the variant where it is not the default."""
        return self.name if self.variant == VARIANTS[0] else f"{self.name}-{self.variant}"

    def _score(self, probe: Probe) -> float:
        x, y = probe.x[: self.images], probe.y[: self.images]
        if self.variant == "code":
            return score_as_released(
                probe.network,
                x,
                y,
                strength=self.strength,
                epsilon=self.epsilon,
                generator=probe.generator(self.column),
            )
        network = probe.copy()
        clean = view(network, x, y)
        twin = robust_twin(network, clean, self.strength)
        robust = view(twin, self._attacked(twin, x, y), y)
        return self._compare(clean, robust)

    def _attacked(self, twin: CellNetwork, x: Tensor, y: Tensor) -> Tensor:
        """Return the images after one signed gradient step on the twin (equation 4)."""
        x = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(functional.cross_entropy(twin(x), y), x)
        return (x.detach() + self.epsilon * gradient.sign()).clamp(0, 1)

    def _compare(self, clean: _View, robust: _View) -> float:
        total = 0.0
        layers = zip(
            clean.features, robust.features,
            clean.weights, robust.weights,
            clean.gradients, robust.gradients,
            strict=True,
        )  # fmt: skip
        for z, z_, w, w_, g, g_ in layers:
            feature, gradient = whole_cosine(z, z_), whole_cosine(g, g_)
            weight = whole_cosine(w - self.rate * g, w_ - self.rate * g_)
            total += float((1 + feature) * (1 + weight) * gradient.abs())
        return total


def whole_cosine(a: Tensor, b: Tensor) -> Tensor:
    """Return the cosine between two tensors of one shape; NaN where one of them is zero."""
    a, b = a.flatten().double(), b.flatten().double()
    return a @ b / (a.norm() * b.norm())


def view(network: CellNetwork, x: Tensor, y: Tensor) -> _View:
    """Return outputs, weights and gradients of all live layers on one batch."""
    # By layer, as the reductions call their shortcut before the last of their convolutions.
    features: dict[nn.Module, Tensor] = {}
    layers = network.live_layers()
    with ExitStack() as hooks:
        for layer in layers:
            hooks.callback(layer.register_forward_hook(_keep(features)).remove)
        loss = functional.cross_entropy(network(x), y)
    weights = [layer.weight for layer in layers]
    gradients = torch.autograd.grad(loss, weights, allow_unused=True, materialize_grads=True)
    found = [features[layer] for layer in layers]
    return _View(found, [weight.detach() for weight in weights], list(gradients))


def _keep(
    features: dict[nn.Module, Tensor],
) -> Callable[[nn.Module, tuple[Tensor], Tensor], None]:
    def hook(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:  # noqa: ARG001
        features[module] = output.detach()

    return hook


@torch.no_grad()
def robust_twin(network: CellNetwork, clean: _View, strength: float) -> CellNetwork:
    """Return a copy whose weights are moved up the loss by ``strength`` times their norm."""
    twin = deepcopy(network)
    for layer, gradient in zip(twin.live_layers(), clean.gradients, strict=True):
        norm = gradient.norm()
        # Where no gradient comes through, the layer stays as it is.
        if norm > 0:
            layer.weight.add_(gradient, alpha=float(strength * layer.weight.norm() / norm))
    return twin

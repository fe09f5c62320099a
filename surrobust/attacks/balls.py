"""Geometry of the balls of :class:`~surrobust.threat.ThreatModel`, image by image."""

import torch
from torch import Tensor


def project(delta: Tensor, norm: str, epsilon: float) -> Tensor:
    """Return the nearest perturbations of at most ``epsilon``, shape ``(n, c, h, w)``."""
    if norm == "Linf":
        return delta.clamp(-epsilon, epsilon)
    # 1e-30 keeps 0 / 0 from NaN, and epsilon / 1e-30 is still finite in float32.
    return delta * (epsilon / lengths(delta).clamp_min(1e-30)).clamp(max=1.0)


def steepest(gradient: Tensor, norm: str) -> Tensor:
    """Return the direction of length 1 in which a linear function with ``gradient`` grows most."""
    if norm == "Linf":
        return gradient.sign()
    return gradient / lengths(gradient).clamp_min(1e-30)


def draw(like: Tensor, norm: str, epsilon: float, generator: torch.Generator) -> Tensor:
    """Return perturbations drawn uniformly from the ball, the same in every memory layout."""
    drawn = torch.empty_like(like, memory_format=torch.contiguous_format)
    if norm == "Linf":
        return drawn.uniform_(-epsilon, epsilon, generator=generator)
    direction = steepest(drawn.normal_(generator=generator), norm)
    share = like.new_empty((len(like), 1, 1, 1)).uniform_(generator=generator)
    # Within r times the radius lies r^d of the volume, d the number of pixels.
    return direction * share ** (1 / like[0].numel()) * epsilon


def size(delta: Tensor, norm: str) -> Tensor:
    """Return the norm of each perturbation, shape ``(n,)``."""
    flat = delta.flatten(1)
    return flat.abs().amax(1) if norm == "Linf" else flat.norm(dim=1)


def lengths(delta: Tensor) -> Tensor:
    """Return the L2 norms, shape ``(n, 1, 1, 1)``."""
    return delta.flatten(1).norm(dim=1).view(-1, 1, 1, 1)


def gradient_by(loss: Tensor, x: Tensor) -> Tensor:
    """Return the gradient of a loss by images, zero where it does not depend on them."""
    if not loss.requires_grad:
        return torch.zeros_like(x)
    (gradient,) = torch.autograd.grad(loss, x, allow_unused=True, materialize_grads=True)
    return gradient

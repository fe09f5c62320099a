"""Proxy ``hessian_eigenvalue``."""

import torch
from torch import Tensor

from .base import AbstractProxy
from .probe import Probe


class HessianEigenvalue(AbstractProxy):
    """Mean over images of the largest eigenvalue of the Hessian of the loss by the pixels.

    Zhao et al., "Bridging Mode Connectivity in Loss Landscapes and Adversarial Robustness" (ICLR
    2020), as Jung, Lukasik & Keuper, "Neural Architecture Design and Robustness: A Dataset" (ICLR
    2023) use it. With batch norm frozen (at the batch's statistics) the logits are piecewise linear
    in the pixels, so the Hessian of the cross-entropy is exactly ``J^T (diag(p) - p p^T) J``, and
    its largest eigenvalue that of a matrix of classes by classes: nothing is iterated. Unlike there
    the network is untrained.

    Args:
        images: How many images of the batch to take, at most.
    """

    name = "hessian_eigenvalue"

    def __init__(self, images: int = 16) -> None:
        self.images = images

    def _score(self, probe: Probe) -> float:
        jacobian = probe.jacobian(self.images)
        with torch.no_grad():
            logits = probe.calibrated(probe.x[: self.images])
        return float(largest_eigenvalues(jacobian, logits).mean())


def largest_eigenvalues(jacobian: Tensor, logits: Tensor) -> Tensor:
    """Return the largest eigenvalue of each image's input Hessian, ``(n,)`` float64.

    Args:
        jacobian: Of the logits, ``(n, classes, pixels)``.
        logits: ``(n, classes)``.
    """
    jacobian, p = jacobian.double(), logits.double().softmax(dim=1)
    curvature = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
    values, vectors = torch.linalg.eigh(curvature)
    root = vectors * values.clamp_min(0).sqrt()[:, None, :]
    inner = root.transpose(1, 2) @ (jacobian @ jacobian.transpose(1, 2)) @ root
    return torch.linalg.eigvalsh(inner)[:, -1]

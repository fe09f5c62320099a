"""Proxies of how far the loss or the logits can move with the pixels."""

from copy import deepcopy

import torch
from torch import Tensor

from ..certificates import Box, margin_bounds
from .base import AbstractProxy
from .probe import Probe


class JacobianNorm(AbstractProxy):
    """Mean over images of the Frobenius norm of the Jacobian of the logits by the pixels.

    Hoffman, Roberts & Yaida, "Robust Learning with Jacobian Regularization" (2019), equation 4, as
    Jung, Lukasik & Keuper, "Neural Architecture Design and Robustness: A Dataset" (ICLR 2023) use
    it. Exact, one backward pass per class, with batch norm frozen at the batch's statistics.
    Unlike there the network is untrained.

    Args:
        images: How many images of the batch to take, at most.
    """

    name = "jacobian_norm"

    def __init__(self, images: int = 16) -> None:
        self.images = images

    def _score(self, probe: Probe) -> float:
        return float(probe.jacobian(self.images).flatten(1).norm(dim=1).mean())


class JacobianBound(AbstractProxy):
    """First-order bound on how far an attack can move the logits, with its sign turned.

    ``-epsilon * mean_x (1/K) sum_k ||J_k(x)||_1``, the 1-norm being dual to the Linf ball
    (Hosseini, Yang & Xie, "DSRNA: Differentiable Search of Robust Neural Architectures", CVPR 2021,
    equations 12 to 15). Batch norm is frozen at the batch's statistics. There is no official code
    to compare it with.

    Args:
        epsilon: Linf radius on the [0, 1] pixel scale.
        images: How many images of the batch to take, at most.
    """

    name = "jacobian_bound"

    def __init__(self, epsilon: float = 8 / 255, images: int = 16) -> None:
        self.epsilon = epsilon
        self.images = images

    def _score(self, probe: Probe) -> float:
        return -self.epsilon * float(probe.jacobian(self.images).abs().sum(dim=2).mean())


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
    # With diag(p) - p p^T = R R^T the eigenvalues of J^T R R^T J that are not 0 are those of
    # R^T J J^T R, of classes by classes. Rounding may leave some just below 0.
    root = vectors * values.clamp_min(0).sqrt()[:, None, :]
    inner = root.transpose(1, 2) @ (jacobian @ jacobian.transpose(1, 2)) @ root
    return torch.linalg.eigvalsh(inner)[:, -1]


class CertifiedBound(AbstractProxy):
    """Mean over images of a certified lower bound of the class margin within the ball.

    No point within ``epsilon`` (Linf) of an image and in [0, 1] has a smaller margin than its bound
    says: logit of the class minus the largest other one, by intervals forward and linear bounds
    backward (Hosseini, Yang & Xie, "DSRNA: Differentiable Search of Robust Neural Architectures",
    CVPR 2021, equations 1 to 11). Batch norm is frozen at the batch's statistics, the arithmetic is
    in double precision. Unlike the paper, the class is the network's own answer, since an untrained
    network knows nothing of labels. Intervals grow by a factor per convolution, so the bound of a
    deep network is far below zero and tells about depth and width more than about attacks. There is
    no official code to compare it with.

    Args:
        epsilon: Linf radius on the [0, 1] pixel scale.
        images: How many images of the batch to take, at most.
    """

    name = "certified_bound"

    def __init__(self, epsilon: float = 1 / 255, images: int = 2) -> None:
        self.epsilon = epsilon
        self.images = images

    def _score(self, probe: Probe) -> float:
        network = deepcopy(probe.calibrated).double()
        x = probe.x[: self.images].double()
        classes = network(x).argmax(dim=1)
        bounds = margin_bounds(network, Box.around(x, self.epsilon), classes, known=True)
        return float(bounds.min(dim=1).values.mean())

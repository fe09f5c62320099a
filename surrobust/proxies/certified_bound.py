"""Proxy ``certified_bound``."""

from copy import deepcopy

from ..relaxation import Box, margin_bounds
from .base import AbstractProxy
from .probe import Probe


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

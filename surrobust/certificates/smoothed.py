"""Randomised smoothing."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from .._checks import brief, check_fraction, check_integer
from ..errors import InvalidInputError
from ..metrics import clopper_pearson_lower

ABSTAIN = -1
"""The class where nothing is certified."""


@dataclass(frozen=True, eq=False)
class SmoothedCertificate:
    """What is certain of the smoothed network, each with probability 1 - alpha.

    Args:
        classes: Its class, ``(n,)`` int64, or :data:`ABSTAIN`.
        radii: L2 radius on the [0, 1] pixel scale within which it stays, ``(n,)``; 0 where it
            abstains.
    """

    classes: npt.NDArray[np.int64]
    radii: npt.NDArray[np.float64]

    def accuracy(self, labels: npt.ArrayLike, radius: float = 0.0) -> float:
        """Return the share of images certified to have their label within a radius."""
        right = self.classes == np.asarray(labels)
        return float((right & (self.radii >= radius)).mean())


def certify_smoothed(
    network: Callable[[Tensor], Tensor],
    x: Tensor,
    *,
    sigma: float,
    n_select: int = 100,
    n: int = 10_000,
    alpha: float = 0.001,
    batch_size: int = 256,
    seed: int = 0,
) -> SmoothedCertificate:
    """Certify the class that a network gives most often under Gaussian noise.

    Cohen, Rosenfeld & Kolter, "Certified adversarial robustness via randomized smoothing" (ICML
    2019, arXiv 1902.02918), section 3.2.2, algorithm Certify: noise of standard deviation sigma,
    not clipped; the class from the first draws, its probability from below by Clopper & Pearson
    from the others, radius sigma times the normal quantile of it (equation 3 with the probability
    of all other classes as the second).

    Args:
        network: Maps images to logits.
        x: Images ``(n, c, h, w)`` in [0, 1].
        sigma: Standard deviation of the noise on the [0, 1] pixel scale.
        n_select: Draws that choose the class.
        n: Draws that estimate its probability.
        alpha: How probable it may be that the certificate of an image is wrong.
        batch_size: Draws at a time.
        seed: Of the noise, the same for each image.

    Raises:
        InvalidInputError: If an argument is not what was expected.
    """
    from scipy.special import ndtri

    for name, value in (("n_select", n_select), ("n", n), ("batch_size", batch_size)):
        check_integer(name, value, minimum=1)
    check_fraction("alpha", alpha)
    if not sigma > 0:
        msg = f"sigma: expected a number above 0, got {brief(sigma)}"
        raise InvalidInputError(msg)
    if x.ndim != 4 or not x.is_floating_point():
        msg = f"x: expected floats of shape (n, c, h, w), got {x.dtype} {tuple(x.shape)}"
        raise InvalidInputError(msg)
    training = isinstance(network, nn.Module) and network.training
    if training:
        network.eval()  # type: ignore[attr-defined]
    classes, radii = [], []
    try:
        for image in x:
            rng = torch.Generator(device=x.device).manual_seed(seed)
            first = _count(network, image, sigma, n_select, batch_size, rng)
            top = int(first.argmax())
            hits = int(_count(network, image, sigma, n, batch_size, rng)[top])
            probability = clopper_pearson_lower(hits, n, confidence=1 - alpha)
            certain = probability > 0.5
            classes.append(top if certain else ABSTAIN)
            radii.append(sigma * float(ndtri(probability)) if certain else 0.0)
    finally:
        if training:
            network.train()  # type: ignore[attr-defined]
    return SmoothedCertificate(np.asarray(classes, dtype=np.int64), np.asarray(radii))


@torch.no_grad()
def _count(
    network: Callable[[Tensor], Tensor],
    image: Tensor,
    sigma: float,
    n: int,
    batch_size: int,
    rng: torch.Generator,
) -> Tensor:
    """Return how often each class is given to an image with noise, ``(classes,)``."""
    counts: Tensor | None = None
    for begin in range(0, n, batch_size):
        size = min(batch_size, n - begin)
        noise = torch.empty((size, *image.shape), dtype=image.dtype, device=image.device)
        logits = network(image + noise.normal_(0, sigma, generator=rng))
        found = torch.bincount(logits.argmax(1), minlength=logits.shape[1])
        counts = found if counts is None else counts + found
    assert counts is not None
    return counts

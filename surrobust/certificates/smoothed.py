"""Randomised smoothing."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .._checks import brief, check_fraction, check_integer
from .._classifiers import check_images, check_logits, evaluating
from ..errors import InvalidInputError, NotFiniteError
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
        """Return the share of images certified to have their label within a radius.

        Args:
            labels: Their classes, ``(n,)`` integers from 0.
            radius: On the [0, 1] pixel scale, at least 0.

        Raises:
            InvalidInputError: If they are not, or there are no images.
        """
        given = np.asarray(labels)
        whole = np.issubdtype(given.dtype, np.integer)
        if given.shape != self.classes.shape or not whole or not len(given) or given.min() < 0:
            msg = f"labels: expected integers from 0 of shape {self.classes.shape}, not empty"
            raise InvalidInputError(f"{msg}, got {brief(labels)}")
        if not radius >= 0:
            msg = f"radius: expected a number of at least 0, got {brief(radius)}"
            raise InvalidInputError(msg)
        return float(((self.classes == given) & (self.radii >= radius)).mean())


def certify_smoothed(
    network: Callable[[Tensor], Tensor],
    x: Tensor,
    *,
    sigma: float,
    # In the paper 100, .001 and 100 000; from 10 000 draws no radius exceeds 3.2 sigma (3.8).
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
        network: Maps images to logits; every module of it in evaluation mode.
        x: Images ``(n, c, h, w)`` in [0, 1].
        sigma: Standard deviation of the noise on the [0, 1] pixel scale, above 0 and finite.
        n_select: Draws that choose the class.
        n: Draws that estimate its probability.
        alpha: How probable it may be that the certificate of an image is wrong.
        batch_size: Draws at a time.
        seed: Of the noise, the same for each image.

    Raises:
        InvalidInputError: If an argument is not what was expected.
        NotFiniteError: If an answer of the network is not finite.
    """
    from scipy.special import ndtri

    for name, value in (("n_select", n_select), ("n", n), ("batch_size", batch_size)):
        check_integer(name, value, minimum=1)
    if check_fraction("alpha", alpha) == 1:  # would certify any radius
        msg = f"alpha: expected a number above 0 and below 1, got {brief(alpha)}"
        raise InvalidInputError(msg)
    if not 0 < sigma < float("inf"):
        msg = f"sigma: expected a finite number above 0, got {brief(sigma)}"
        raise InvalidInputError(msg)
    check_images(x)
    classes, radii = [], []
    with evaluating(network):
        for number, image in enumerate(x):
            rng = torch.Generator(device=x.device).manual_seed(seed)
            try:
                first = _count(network, image, sigma, n_select, batch_size, rng)
                # New draws: among those that chose the class its share is too high.
                counts = _count(network, image, sigma, n, batch_size, rng)
            except NotFiniteError as error:
                msg = f"x: image number {number} with noise: {error}"
                raise NotFiniteError(msg) from None
            top = int(first.argmax())
            hits = int(counts[top])
            probability = clopper_pearson_lower(hits, n, confidence=1 - alpha)
            # Strict: at a half another class may be as probable, and the radius would be 0.
            certain = probability > 0.5
            classes.append(top if certain else ABSTAIN)
            radii.append(sigma * float(ndtri(probability)) if certain else 0.0)
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
        check_logits(logits, size)
        found = torch.bincount(logits.argmax(1), minlength=logits.shape[1])
        counts = found if counts is None else counts + found
    assert counts is not None
    return counts

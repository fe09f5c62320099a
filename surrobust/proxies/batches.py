"""The batch that goes through the networks."""

from dataclasses import dataclass, replace
from os import PathLike
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .._checks import brief
from .._classifiers import as_tensor, check_classes, check_range, outside_inference
from ..errors import InvalidInputError
from ..images import load_images
from ..networks import NORMALISATIONS
from ..networks.normalisation import Statistics


@dataclass(frozen=True)
class Batch:
    """Images and labels, with what the network around them has to know.

    Args:
        x: ``(n, c, h, w)`` float32 in [0, 1], h and w at least 4.
        y: ``(n,)`` int64.
        classes: Outputs of the network.
        normalisation: Mean and standard deviation per channel.
    """

    x: Tensor
    y: Tensor
    classes: int
    normalisation: Statistics


def load_batch(images: Any, batch_size: int, rng: np.random.Generator) -> Batch:
    """Return a batch of a named set or a folder, or the pair ``(x, y)`` that was given.

    Images are normalised by the published statistics of their set where there are some, else by
    the batch's own.

    Raises:
        InvalidInputError: If it is none of these, or the images are not in [0, 1].
        MissingMeasurementError: If a set's official files are not there.
    """
    if not isinstance(images, str | PathLike):
        return _given(images)
    loaded = load_images(images, limit=batch_size, seed=rng)
    batch = _given(loaded.batch(batch_size, rng), classes=len(loaded.classes))
    return replace(batch, normalisation=NORMALISATIONS.get(loaded.name, batch.normalisation))


def _given(pair: Any, classes: int | None = None) -> Batch:
    """Return a pair ``(x, y)`` as a batch, normalised by its own statistics."""
    try:
        x, y = (as_tensor(part, "images") for part in pair)
    except (TypeError, ValueError):
        x, y = torch.empty(0), torch.empty(0)
    if x.ndim != 4 or min(x.shape[-2:]) < 4 or y.shape != x.shape[:1] or len(y) < 2:
        got = f"shapes {tuple(x.shape)} and {tuple(y.shape)}" if x.ndim > 1 else brief(pair)
        msg = f"images: expected a name, a folder or (x, y) of shapes (n, c, h, w), (n,), got {got}"
        raise InvalidInputError(msg)
    if y.is_floating_point() or y.is_complex() or y.dtype == torch.bool or x.is_complex():
        msg = f"images: expected (x, y) with numbers x and integers y, got {x.dtype} and {y.dtype}"
        raise InvalidInputError(msg)
    x, y = outside_inference(x).to(torch.float32), outside_inference(y).to(torch.int64)
    check_range(x, "images")
    check_classes(y, name="images")
    mean, deviation = x.mean(dim=(0, 2, 3)), x.std(dim=(0, 2, 3)).clamp_min(1e-3)
    statistics = (tuple(mean.tolist()), tuple(deviation.tolist()))
    return Batch(x, y, classes or max(int(y.max()) + 1, 2), statistics)

"""The batches of an epoch: the whole set lies on the device, and augmentation runs there."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ..images import ImageSet
from . import streams
from .augmentation import Augmentation
from .recipe import Recipe


class Feed:
    """A set of images on a device, cut into batches in an order of each epoch's own.

    Args:
        images: The set.
        recipe: Batch size and augmentation.
        seed: Of order and augmentation.
        device: Where.
    """

    def __init__(
        self, images: ImageSet, recipe: Recipe, *, seed: int, device: torch.device
    ) -> None:
        self.n = len(images)
        self._seed, self._device, self._batch_size = seed, device, recipe.batch_size
        self._images = images
        self.y = torch.from_numpy(images.y).to(device)
        x = torch.from_numpy(images.x).to(device)
        self._cuts = Augmentation(x, crop=recipe.crop, flip=recipe.flip, cutout=recipe.cutout)

    @property
    def n_batches(self) -> int:
        """Batches in an epoch."""
        return math.ceil(self.n / self._batch_size)

    def batches(self, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the batches of an epoch: images ``(b, 3, h, w)`` in [0, 1] and classes ``(b,)``."""
        order, cuts = (
            streams.make_stream(self._seed, purpose, epoch, device=self._device)
            for purpose in (streams.ORDER, streams.AUGMENTATION)
        )
        permuted = torch.randperm(self.n, generator=order, device=self._device)
        for chosen in permuted.split(self._batch_size):
            yield self._cuts.cut(chosen, cuts), self.y[chosen]

    def first(self, n: int) -> tuple[Tensor, Tensor]:
        """Return the first ``n`` images, as they are, and their classes."""
        x = torch.from_numpy(self._images.x[:n]).to(self._device)
        return x.float().div_(255), self.y[:n]

"""The batches of an epoch: the whole set lies on the device, and augmentation runs there."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from ..images import ImageSet
from .recipe import Recipe
from .starting import AUGMENTATION, ORDER, make_stream


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
            make_stream(self._seed, purpose, epoch, device=self._device)
            for purpose in (ORDER, AUGMENTATION)
        )
        permuted = torch.randperm(self.n, generator=order, device=self._device)
        for chosen in permuted.split(self._batch_size):
            yield self._cuts.cut(chosen, cuts), self.y[chosen]

    def first(self, n: int) -> tuple[Tensor, Tensor]:
        """Return the first ``n`` images, as they are, and their classes."""
        x = torch.from_numpy(self._images.x[:n]).to(self._device)
        return x.float().div_(255), self.y[:n]


class Augmentation:
    """The whole set, padded once, from which augmented batches are cut.

    Args:
        x: Images ``(n, 3, h, w)`` uint8 on the device.
        crop: Whether to shift by up to ``h // 8`` pixels; what comes in is black.
        flip: Whether to mirror every second image, at random.
        cutout: Side of a black square in each image, as a share of the height; None is no square.
    """

    def __init__(self, x: Tensor, *, crop: bool, flip: bool, cutout: float | None = None) -> None:
        self.size = (x.shape[2], x.shape[3])
        self.padding = x.shape[2] // 8 if crop else 0
        self.flip = flip
        self.half = None if cutout is None else round(cutout * x.shape[2]) // 2
        # Bytes: CIFAR-10 with its padding is 240 MB of them, and would be 960 MB of floats.
        self._padded = functional.pad(x, [self.padding] * 4)

    def cut(self, chosen: Tensor, generator: torch.Generator) -> Tensor:
        """Return images of the numbers ``chosen``, ``(b, 3, h, w)`` float32 in [0, 1]."""
        n, (height, width) = len(chosen), self.size
        top, left = self._offsets(n, generator), self._offsets(n, generator)
        rows = top + torch.arange(height, device=chosen.device)
        columns = left + torch.arange(width, device=chosen.device)
        if self.flip:
            coin = torch.rand((n, 1), device=chosen.device, generator=generator)
            columns = torch.where(coin < 0.5, columns.flip(1), columns)
        # One gather; its result lies channel after channel in memory, as the network wants it.
        # Indices (b, 1, 1), (b, h, 1) and (b, 1, w) around the slice of channels: (b, h, w, 3).
        cut = self._padded[chosen[:, None, None], :, rows[:, :, None], columns[:, None, :]]
        found = cut.permute(0, 3, 1, 2).float().div_(255)
        return found if self.half is None else self._blacken(found, self.half, generator)

    def _blacken(self, x: Tensor, half: int, generator: torch.Generator) -> Tensor:
        """Put a black square around one pixel of each image; part of it may lie outside.

        DeVries & Taylor, "Improved regularization of convolutional neural networks with cutout"
        (2017, arXiv 1708.04552). Where images are normalised before, as in DARTS, black is the mean
        colour instead.
        """
        inside = []
        for side in self.size:
            centre = torch.randint(side, (len(x), 1), device=x.device, generator=generator)
            distance = torch.arange(side, device=x.device) - centre
            # Half-open: twice ``half`` pixels, 16 of 32, and not one more.
            inside.append((distance >= -half) & (distance < half))
        rows, columns = inside
        return x.masked_fill_((rows[:, :, None] & columns[:, None, :])[:, None], 0.0)

    def _offsets(self, n: int, generator: torch.Generator) -> Tensor:
        limit = 2 * self.padding + 1
        return torch.randint(limit, (n, 1), device=self._padded.device, generator=generator)

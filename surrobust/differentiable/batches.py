"""Images in two halves, and batches that follow from seed and step alone."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from ..errors import InvalidInputError
from ..images import ImageSet
from .base import SearchBatch

_FIT, _HELD, _AUGMENT, _ATTACK, _SPLIT = range(5)
"""Purposes of random numbers."""


class Halves:
    """One half of a set fits the weights, the other the architecture.

    Which batch a step sees depends on the seed and the step's number alone, so that a search that
    was interrupted goes on with the same batches. As in the codes of DARTS, PC-DARTS and ARNAS, the
    first half is passed through in a new order each epoch, its last batch being what is left, and
    each step draws a full batch from all of the second.

    Unlike the authors' code, which takes the first half of the files and the second, the seed draws
    the halves: a folder's images are sorted by class. Those of CIFAR-10's files are not, so that
    there it is one random half or another. And a single image that is left is left out: batch norm
    has no statistics of one pixel.

    Args:
        images: The set.
        batch: Images per step and half.
        augment: Whether images are shifted and mirrored.
        in_turn: Whether the second half is passed through in turn too.
        whole: Whether all that is left of an epoch is left out, and batches are full.
        seed: Of the split and everything drawn later.
        device: Where batches are needed.

    Raises:
        InvalidInputError: If the set has fewer than two batches.
    """

    def __init__(
        self,
        images: ImageSet,
        *,
        batch: int,
        augment: bool,
        seed: int,
        device: torch.device,
        in_turn: bool = False,
        whole: bool = False,
    ) -> None:
        if len(images) < 2 * batch:
            msg = f"images: expected at least {2 * batch} for two batches, got {len(images)}"
            raise InvalidInputError(msg)
        self.batch, self.augment, self.seed, self.device = batch, augment, seed, device
        self.in_turn = in_turn
        order = self._rng(_SPLIT).permutation(len(images))
        half = len(images) // 2
        self._rows = {_FIT: order[:half], _HELD: order[half : 2 * half]}
        self._x, self._y = images.x, images.y
        self.steps = half // batch + (half % batch > 1 and not whole)
        """Steps in an epoch."""

    def fit(self, step: int) -> SearchBatch:
        """Return the batch of a step that fits the weights."""
        return self._read(_FIT, step, self._in_turn(_FIT, step))

    def held(self, step: int) -> SearchBatch:
        """Return the batch of a step that fits the architecture."""
        if self.in_turn:
            return self._read(_HELD, step, self._in_turn(_HELD, step))
        drawn = self._rng(_HELD, step).choice(self._rows[_HELD], self.batch, replace=False)
        return self._read(_HELD, step, drawn)

    def _rng(self, *words: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, *words])

    def _in_turn(self, half: int, step: int) -> npt.NDArray[np.int64]:
        epoch, position = divmod(step, self.steps)
        order = self._rng(half, epoch).permutation(self._rows[half])
        return order[position * self.batch : (position + 1) * self.batch]

    def _read(self, half: int, step: int, rows: npt.NDArray[np.int64]) -> SearchBatch:
        x = torch.from_numpy(self._x[rows]).to(self.device).float() / 255
        y = torch.from_numpy(self._y[rows]).to(self.device)
        if self.augment:
            x = shift_and_mirror(x, self._rng(_AUGMENT, half, step))
        return SearchBatch(x, y, int(self._rng(_ATTACK, half, step).integers(2**31)))


def shift_and_mirror(x: Tensor, rng: np.random.Generator) -> Tensor:
    """Return images shifted by up to an eighth of their size, black outside, half of them mirrored.

    At 32 pixels this is the crop of four padded pixels that CIFAR-10 is trained with.

    Args:
        x: ``(n, c, h, w)`` in [0, 1].
        rng: Source of shifts and mirrors.
    """
    n, _, height, width = x.shape
    most = max(height, width) // 8
    down, right = rng.integers(0, 2 * most + 1, size=(2, n))
    mirrored = rng.random(n) < 0.5
    padded = functional.pad(x, (most,) * 4)
    rows = torch.from_numpy(down[:, None] + np.arange(height)).to(x.device)
    across = np.where(mirrored[:, None], np.arange(width)[::-1], np.arange(width))
    columns = torch.from_numpy(right[:, None] + across).to(x.device)
    images = torch.arange(n, device=x.device)
    # Advanced indices around the slice come first: (n, h, w, c).
    found = padded[images[:, None, None], :, rows[:, :, None], columns[:, None, :]]
    return found.permute(0, 3, 1, 2).contiguous()

"""Random crops and flips, on the device that the images are on."""

import torch
from torch import Tensor
from torch.nn import functional


class Augmentation:
    """The whole set, padded once, from which augmented batches are cut.

    Args:
        x: Images ``(n, 3, h, w)`` uint8 on the device.
        crop: Whether to shift by up to ``h // 8`` pixels; what comes in is black.
        flip: Whether to mirror every second image, at random.
    """

    def __init__(self, x: Tensor, *, crop: bool, flip: bool) -> None:
        self.size = (x.shape[2], x.shape[3])
        self.padding = x.shape[2] // 8 if crop else 0
        self.flip = flip
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
        cut = self._padded[chosen[:, None, None], :, rows[:, :, None], columns[:, None, :]]
        return cut.permute(0, 3, 1, 2).float().div_(255)

    def _offsets(self, n: int, generator: torch.Generator) -> Tensor:
        limit = 2 * self.padding + 1
        return torch.randint(limit, (n, 1), device=self._padded.device, generator=generator)

"""A set of images with classes."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from .._checks import check_integer
from .._random import as_generator
from ..errors import InvalidInputError
from ..typing import Seed

TRAIN, TEST = "train", "test"
SPLITS = (TRAIN, TEST)
"""The splits of a set."""


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images and the numbers of their classes.

    Args:
        name: What the set is called in records.
        split: ``train`` or ``test``.
        x: Images, ``(n, 3, h, w)`` uint8.
        y: Classes, ``(n,)`` int64 from 0.
        classes: Their names.

    Raises:
        InvalidInputError: If the arrays do not belong together.
    """

    name: str
    split: str
    x: npt.NDArray[np.uint8]
    y: npt.NDArray[np.int64]
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.x.ndim != 4 or self.x.shape[1] != 3 or self.x.dtype != np.uint8:
            msg = f"x: expected uint8 of shape (n, 3, h, w), got {self.x.dtype} {self.x.shape}"
            raise InvalidInputError(msg)
        if self.y.shape != self.x.shape[:1] or not len(self.y):
            msg = f"y: expected shape ({len(self.x)},), not empty, got {self.y.shape}"
            raise InvalidInputError(msg)
        if int(self.y.min()) < 0 or int(self.y.max()) >= len(self.classes):
            low, high = int(self.y.min()), int(self.y.max())
            msg = f"y: expected classes 0 to {len(self.classes) - 1}, got {low} to {high}"
            raise InvalidInputError(msg)
        # Whatever their strides: torch does not take negative ones.
        for name in ("x", "y"):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name)))

    def __len__(self) -> int:
        return len(self.y)

    @property
    def image_size(self) -> int:
        """Height of the images in pixels."""
        return int(self.x.shape[2])

    @cached_property
    def sha256(self) -> str:
        """The sha256 of pixels and classes, 64 hexadecimal digits."""
        digest = hashlib.sha256(self.x.data)
        digest.update(self.y.data)
        return digest.hexdigest()

    @cached_property
    def statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation per channel on the [0, 1] pixel scale, the latter not 0."""
        # By counting: 256 values take no float copy of the whole set.
        counts = np.stack([np.bincount(self.x[:, c].ravel(), minlength=256) for c in range(3)])
        values, shares = np.arange(256) / 255, counts / counts.sum(axis=1, keepdims=True)
        mean = shares @ values
        deviation = np.sqrt((shares * (values - mean[:, None]) ** 2).sum(axis=1))
        return tuple(mean.tolist()), tuple(np.maximum(deviation, 1e-3).tolist())

    def batch(
        self, n: int, seed: Seed = 0
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """Return ``n`` images drawn without replacement, all if there are fewer.

        Returns:
            Images ``(n, 3, h, w)`` float32 in [0, 1] and their classes ``(n,)``.
        """
        count = min(check_integer("n", n, minimum=1), len(self))
        chosen = as_generator(seed).permutation(len(self))[:count]
        return self.x[chosen].astype(np.float32) / np.float32(255), self.y[chosen]

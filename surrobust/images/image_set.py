"""A set of images with classes, resized, or made without any file."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from PIL import Image

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
        # A quarter of a level of 8 bits: a constant channel is divided by this, and becomes 0.
        return tuple(mean.tolist()), tuple(np.maximum(deviation, 1e-3).tolist())

    def batch(
        self, n: int, seed: Seed = 0
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """Return ``n`` images drawn without replacement, all if there are fewer.

        Returns:
            Images ``(n, 3, h, w)`` float32 in [0, 1] and their classes ``(n,)``.
        """
        count = min(check_integer("n", n, minimum=1), len(self))
        # The beginning of one permutation: a smaller n draws some of those that a larger one draws.
        chosen = as_generator(seed).permutation(len(self))[:count]
        return self.x[chosen].astype(np.float32) / np.float32(255), self.y[chosen]


_TO_BYTES = 65535 / 255  # 257, so that white stays white
_BITS_PER_SAMPLE = 258  # a tag of TIFF


def resize(x: npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.uint8]:
    """Return images ``(n, 3, h, w)`` as ``(n, 3, size, size)``, interpolated bilinearly."""
    if x.shape[2:] == (size, size):
        return x
    return np.stack([to_array(Image.fromarray(to_rows(image)), size) for image in x])


def to_array(picture: Image.Image, size: int | None = None) -> npt.NDArray[np.uint8]:
    """Return a picture as ``(3, h, w)`` uint8, of another size if one is given.

    Grey of 16 bits is scaled to 8.

    Raises:
        ValueError: If its numbers have no known range, as whole numbers of 32 bits and floats.
    """
    colours = _in_bytes(picture).convert("RGB")
    if size is not None and colours.size != (size, size):
        colours = colours.resize((size, size), Image.Resampling.BILINEAR)
    return np.ascontiguousarray(np.asarray(colours, dtype=np.uint8).transpose(2, 0, 1))


def _in_bytes(picture: Image.Image) -> Image.Image:
    """Return a picture of at most 8 bits a channel; Pillow's own conversion clips what is above."""
    if not picture.mode.startswith(("I", "F")):
        return picture
    # Portable greymaps, and PNG in some versions, come as 32 bits of which 16 are used.
    wide = picture.mode == "I" and picture.format in ("PNG", "PPM")
    bits = getattr(picture, "tag_v2", {}).get(_BITS_PER_SAMPLE, (16,))
    if not (wide or picture.mode.startswith("I;16")) or tuple(bits) != (16,):
        msg = f"pixels of mode {picture.mode}, {bits[0]} bits, whose range is not known"
        raise ValueError(msg)
    values = np.asarray(picture).astype(np.float64)
    return Image.fromarray(np.rint(values / _TO_BYTES).astype(np.uint8))


def to_rows(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return an image ``(3, h, w)`` as ``(h, w, 3)``."""
    return np.ascontiguousarray(image.transpose(1, 2, 0))


_N_RANDOM, _RANDOM_CLASSES = 1024, 10
_EVERY = 5
"""Every so many digits one is for testing."""


def random_images(*, split: str, image_size: int | None, seed: Seed) -> ImageSet:
    """Return uniform noise with random labels, 1024 images of 32 x 32 pixels in ten classes.

    Those for testing are others than those for training.
    """
    rng, size = as_generator(seed), image_size or 32
    if split == TEST:
        rng = rng.spawn(1)[0]
    x = rng.integers(0, 256, size=(_N_RANDOM, 3, size, size), dtype=np.uint8)
    y = rng.integers(_RANDOM_CLASSES, size=_N_RANDOM)
    classes = tuple(str(number) for number in range(_RANDOM_CLASSES))
    return ImageSet("random", split, x, y.astype(np.int64), classes)


def digits(*, split: str, image_size: int | None) -> ImageSet:
    """Return the 1797 handwritten digits that come with scikit-learn, as three equal channels.

    They are 8 x 8 pixels of 17 levels; other sizes are interpolated. Every fifth is for testing:
    1437 train, 360 test.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    test = np.arange(len(bunch.target)) % _EVERY == 0
    chosen = test if split == "test" else ~test
    # Levels are 0 to 16.
    grey = np.rint(bunch.images[chosen] * (255 / 16)).astype(np.uint8)
    # (n, 8, 8) to (n, 3, 8, 8).
    x = np.repeat(grey[:, None], 3, axis=1)
    y = bunch.target[chosen].astype(np.int64)
    classes = tuple(str(name) for name in bunch.target_names)
    return ImageSet("digits", split, resize(x, image_size or 8), y, classes)

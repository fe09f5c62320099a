"""Images that need no file: noise, and scikit-learn's digits."""

import numpy as np

from .._random import as_generator
from ..typing import Seed
from .image_set import TEST, ImageSet
from .resizing import resize

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
    grey = np.rint(bunch.images[chosen] * (255 / 16)).astype(np.uint8)
    x = np.repeat(grey[:, None], 3, axis=1)
    y = bunch.target[chosen].astype(np.int64)
    classes = tuple(str(name) for name in bunch.target_names)
    return ImageSet("digits", split, resize(x, image_size or 8), y, classes)

"""Random generators: made from what the caller passed, never global."""

from collections.abc import Iterator

import numpy as np

from .typing import Seed


def as_generator(seed: Seed) -> np.random.Generator:
    """Return ``seed`` itself if it is a generator, else a new generator seeded with it."""
    if isinstance(seed, np.random.Generator):
        return seed
    return np.random.default_rng(seed)


def seeds_from(seed: Seed, n: int) -> Iterator[int]:
    """Yield ``n`` integers below 2**31 for libraries that take no generator."""
    rng = as_generator(seed)
    for value in rng.integers(0, 2**31 - 1, size=n):
        yield int(value)

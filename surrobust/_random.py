"""Random generators: made from what the caller passed, never global."""

from collections.abc import Iterator

import numpy as np

from .typing import IntArray, Seed


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


def draw_rows(n: int, most: int, rng: np.random.Generator) -> IntArray:
    """Return all of n positions, or ``most`` of them drawn without replacement, ascending."""
    return np.arange(n) if n <= most else np.sort(rng.choice(n, size=most, replace=False))

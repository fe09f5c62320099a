"""Frequencies of a small periodic map, those that symmetry makes equal taken together."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from ..typing import FloatArray

MAP_SIZE = 8
"""Height and width of the map, pixels."""


@dataclass(frozen=True)
class Frequencies:
    """Fifteen frequencies that stand for all 64, the zero first.

    Args:
        weight: How many frequencies each stands for, ``(f,)``.
        squared: Squared length, in radians per pixel, ``(f,)``.
        pool: What a 3x3 average pool multiplies amplitudes by, ``(f,)``.
        to_space: Matrix from a spectrum to its autocovariance at the lags that correspond,
            ``(f, f)``; the same matrix over ``MAP_SIZE**2`` leads back.
    """

    weight: FloatArray
    squared: FloatArray
    pool: FloatArray
    to_space: FloatArray


@cache
def frequencies() -> Frequencies:
    """Return the frequencies of the map, spectra being even and symmetric in the two axes."""
    half = range(MAP_SIZE // 2 + 1)
    steps = np.array([(a, b) for a in half for b in half if a <= b])
    radians = 2 * np.pi / MAP_SIZE
    signs = np.where((steps == 0) | (steps == MAP_SIZE // 2), 1, 2).prod(axis=1)
    weight = (signs * np.where(steps[:, 0] == steps[:, 1], 1, 2)).astype(np.float64)
    wave = np.cos(radians * steps[:, None, :, None] * steps[None, :, None, :])  # (lag, f, 2, 2)
    straight = wave[:, :, 0, 0] * wave[:, :, 1, 1]
    crossed = wave[:, :, 0, 1] * wave[:, :, 1, 0]
    return Frequencies(
        weight=weight,
        squared=radians**2 * (steps**2).sum(axis=1),
        pool=((1 + 2 * np.cos(radians * steps)) / 3).prod(axis=1),
        to_space=weight * (straight + crossed) / 2,
    )

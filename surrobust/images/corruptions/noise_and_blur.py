"""Noise of sensors and transmissions; blurs of lenses, glass and movement."""

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.float64]
Pixel: TypeAlias = tuple[int, int]


def defocus_blur(x: Image, severity: int, rng: np.random.Generator) -> Image:
    """Average over a disc with a smoothed edge."""
    from scipy.ndimage import convolve

    del rng
    radius, edge = ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1.0, 0.2), (1.5, 0.1))[severity]
    return convolve(x, disc(radius, edge)[:, :, None], mode="mirror")


def disc(radius: float, edge: float) -> Image:
    """Return a normalised disc ``(k, k)``, blurred by a Gaussian of 3 x 3 pixels."""
    from scipy.ndimage import convolve

    axis = np.arange(-8, 9)
    flat = (axis[:, None] ** 2 + axis**2 <= radius**2).astype(np.float64)
    bell = np.exp(-(np.arange(-1, 2) ** 2) / (2 * edge**2))
    bell /= bell.sum()
    return convolve(flat / flat.sum(), np.outer(bell, bell), mode="mirror")


GLASS = ((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2))
"""Of glass: sigma of both blurs, reach and rounds of the copies in between."""


def glass_blur(x: Image, severity: int, rng: np.random.Generator) -> Image:
    """Blur, copy a neighbour over each pixel at random, blur again.

    What is meant to exchange two pixels in the published code writes the same one into both; its
    values have 8 bits at that.
    """
    sigma, reach, rounds = GLASS[severity]
    found = np.floor(_soften(x, sigma) * 255 + 1e-9)
    for here, there in draw_pairs(x.shape, reach, rounds, rng):
        found[here] = found[there]
    return _soften(found / 255, sigma)


def draw_pairs(
    shape: tuple[int, ...], reach: int, rounds: int, rng: np.random.Generator
) -> Iterator[tuple[Pixel, Pixel]]:
    """Yield each pixel, last ones first, with a neighbour of at most ``reach``, ``rounds`` times.

    Those at an edge stay out.
    """
    height, width = shape[:2]
    for _ in range(rounds):
        moves = rng.integers(-reach, reach, size=(height, width, 2))
        for row in range(height - reach, reach, -1):
            for column in range(width - reach, reach, -1):
                down, right = moves[row, column]
                yield (row, column), (row + down, column + right)


def _soften(x: Image, sigma: float) -> Image:
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(x, (sigma, sigma, 0), mode="nearest")


MOTION = ((6, 1.0), (6, 1.5), (6, 2.0), (8, 2.0), (9, 2.5))
"""Of motion: radius and sigma."""


def motion_blur(x: Image, severity: int, rng: np.random.Generator) -> Image:
    """Average along a line in a random direction, weights falling from one end."""
    return move(x, *MOTION[severity], angle=rng.uniform(-45, 45))


def move(x: Image, radius: int, sigma: float, *, angle: float) -> Image:
    """Return what ImageMagick's ``MotionBlurImage`` makes of an image ``(h, w, ...)`` in [0, 1].

    Whole pixels of a line in a direction in degrees, twice the radius and one of them, are averaged
    with the falling half of a Gaussian as weights; edges are repeated, and values have 8 bits.
    """
    steps = np.arange(2 * radius + 1)
    weights = np.exp(-(steps**2) / (2 * sigma**2))
    turn = np.deg2rad(angle)
    down, right = (np.ceil(steps * part - 0.5).astype(int) for part in (np.sin(turn), np.cos(turn)))
    found = np.zeros_like(x)
    rows, columns = (np.arange(size) for size in x.shape[:2])
    for weight, below, beside in zip(weights / weights.sum(), down, right, strict=True):
        row = (rows + below).clip(0, len(rows) - 1)
        column = (columns + beside).clip(0, len(columns) - 1)
        found += weight * x[row][:, column]
    return np.floor(found * 255 + 1e-9) / 255


ZOOMS = (1.06, 1.11, 1.16, 1.21, 1.26)
"""Of zoom: what the factors stay below."""


def zoom_blur(x: Image, severity: int, rng: np.random.Generator) -> Image:
    """Average over zooms."""
    del rng
    factors = np.arange(1, ZOOMS[severity], 0.01)
    return (x + sum(clipped_zoom(x, factor) for factor in factors)) / (len(factors) + 1)


def clipped_zoom(x: Image, factor: float) -> Image:
    """Return part of an image ``(h, w, ...)``, enlarged and cut to its size, as was published.

    The part has whole pixels, as many as are needed or more, and so has what is cut off: for small
    factors it is not the middle that is enlarged, but what is at the upper left.
    """
    from scipy.ndimage import zoom

    size = np.array(x.shape[:2])
    part = np.ceil(size / factor).astype(int)
    top, left = (size - part) // 2
    inner = x[top : top + part[0], left : left + part[1]]
    large = zoom(inner, (factor, factor, *(1,) * (x.ndim - 2)), order=1)
    top, left = (np.array(large.shape[:2]) - size) // 2
    return large[top : top + size[0], left : left + size[1]]


def gaussian_noise(x: Image, severity: int, rng: np.random.Generator) -> Image:
    """Add normal noise to each value."""
    return x + rng.normal(size=x.shape, scale=(0.04, 0.06, 0.08, 0.09, 0.10)[severity])


def shot_noise(x: Image, severity: int, rng: np.random.Generator) -> Image:
    """Count photons: Poisson, so many at full brightness."""
    photons = (500, 250, 100, 75, 50)[severity]
    return rng.poisson(x * photons) / photons


def impulse_noise(x: Image, severity: int, rng: np.random.Generator) -> Image:
    """Set a share of the values to 0 or 1, half each."""
    hit = rng.random(x.shape) < (0.01, 0.02, 0.03, 0.05, 0.07)[severity]
    return np.where(hit, rng.integers(0, 2, size=x.shape).astype(np.float64), x)

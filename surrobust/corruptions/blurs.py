"""Blurs of lenses, glass and movement."""

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.float64]


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


def glass_blur(x: Image, severity: int, rng: np.random.Generator) -> Image:
    """Blur, exchange neighbouring pixels at random, blur again."""
    from scipy.ndimage import gaussian_filter

    sigma, reach, rounds = (
        (0.05, 1, 1),
        (0.25, 1, 1),
        (0.4, 1, 1),
        (0.25, 1, 2),
        (0.4, 1, 2),
    )[severity]
    found = gaussian_filter(x, (sigma, sigma, 0))
    height, width = x.shape[:2]
    for _ in range(rounds):
        moves = rng.integers(-reach, reach, size=(height, width, 2))
        for row in range(height - reach, reach, -1):
            for column in range(width - reach, reach, -1):
                down, right = moves[row, column]
                there = (row + down, column + right)
                kept = found[row, column].copy()
                found[row, column] = found[there]
                found[there] = kept
    return gaussian_filter(found.clip(0, 1), (sigma, sigma, 0))


def motion_blur(x: Image, severity: int, rng: np.random.Generator) -> Image:
    """Average along a line in a random direction, weights falling from one end.

    Unlike the paper, which calls ImageMagick, by weighted shifts.
    """
    options = ((6, 1.0), (6, 1.5), (6, 2.0), (8, 2.0), (9, 2.5))[severity]
    return blur_along(x, *options, angle=rng.uniform(-45, 45))


def blur_along(x: Image, radius: int, sigma: float, *, angle: float) -> Image:
    """Average shifts of an image ``(h, w, ...)`` along a direction in degrees.

    The weights are the falling half of a Gaussian; shifts of parts of a pixel are interpolated and
    edges repeated.
    """
    from scipy.ndimage import shift

    steps = np.arange(radius + 1)
    weights = np.exp(-(steps**2) / (2 * sigma**2))
    down, right = np.sin(np.deg2rad(angle)), np.cos(np.deg2rad(angle))
    rest = (0,) * (x.ndim - 2)
    found = np.zeros_like(x)
    for step, weight in zip(steps, weights / weights.sum(), strict=True):
        found += weight * shift(x, (down * step, right * step, *rest), order=1, mode="nearest")
    return found


def zoom_blur(x: Image, severity: int, rng: np.random.Generator) -> Image:
    """Average over zooms towards the middle."""
    del rng
    zooms = np.arange(1, (1.06, 1.11, 1.16, 1.21, 1.26)[severity], 0.01)
    return (x + sum(zoom_in(x, factor) for factor in zooms)) / (len(zooms) + 1)


def zoom_in(x: Image, factor: float) -> Image:
    """Return the middle of an image ``(h, w, ...)``, enlarged to its size."""
    from scipy.ndimage import affine_transform

    centre = (np.array(x.shape[:2]) - 1) / 2
    rest = [1.0] * (x.ndim - 2)
    offset = [*(centre - centre / factor), *([0.0] * (x.ndim - 2))]
    scale = [1 / factor, 1 / factor, *rest]
    return affine_transform(x, scale, offset=offset, order=1, mode="nearest")

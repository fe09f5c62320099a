"""Corruptions of our own, by names that say so; ``CORRUPTIONS`` has what the makers published.

They were the ones of those names before the published arithmetic was followed: exchanges instead of
copies in glass, zooms towards the very middle, crystals of plasma for frost, lines of interpolated
shifts for motion, one interpolation instead of two for elastic transforms.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from .digital import draw_elastic
from .noise_and_blur import GLASS, MOTION, ZOOMS, draw_pairs
from .weather import FROST, GREY, SNOW, plasma

Image = npt.NDArray[np.float64]


def own_glass_blur(x: Image, severity: int, rng: np.random.Generator) -> Image:
    """Blur, exchange neighbouring pixels at random, blur again."""
    from scipy.ndimage import gaussian_filter

    sigma, reach, rounds = GLASS[severity]
    found = gaussian_filter(x, (sigma, sigma, 0))
    for here, there in draw_pairs(x.shape, reach, rounds, rng):
        kept = found[here].copy()
        found[here] = found[there]
        found[there] = kept
    return gaussian_filter(found.clip(0, 1), (sigma, sigma, 0))


def own_motion_blur(x: Image, severity: int, rng: np.random.Generator) -> Image:
    """Average along a line in a random direction, weights falling from one end."""
    return blur_along(x, *MOTION[severity], angle=rng.uniform(-45, 45))


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


def own_zoom_blur(x: Image, severity: int, rng: np.random.Generator) -> Image:
    """Average over zooms towards the middle."""
    del rng
    zooms = np.arange(1, ZOOMS[severity], 0.01)
    return (x + sum(zoom_in(x, factor) for factor in zooms)) / (len(zooms) + 1)


def zoom_in(x: Image, factor: float) -> Image:
    """Return the middle of an image ``(h, w, ...)``, enlarged to its size."""
    from scipy.ndimage import affine_transform

    centre = (np.array(x.shape[:2]) - 1) / 2
    rest = [1.0] * (x.ndim - 2)
    offset = [*(centre - centre / factor), *([0.0] * (x.ndim - 2))]
    scale = [1 / factor, 1 / factor, *rest]
    return affine_transform(x, scale, offset=offset, order=1, mode="nearest")


def own_snow(x: Image, severity: int, rng: np.random.Generator) -> Image:
    """Whiten, and let streaks fall."""
    mean, spread, zoom, threshold, radius, sigma, kept = SNOW[severity]
    flakes = zoom_in(rng.normal(mean, spread, size=x.shape[:2]), zoom)
    flakes = np.where(flakes < threshold, 0.0, flakes.clip(0, 1))
    angle = rng.uniform(-135, -45)
    streaks = blur_along(flakes, radius, sigma, angle=angle)[:, :, None]
    grey = (x @ GREY)[:, :, None]
    white = kept * x + (1 - kept) * np.maximum(x, grey * 1.5 + 0.5)
    return white + streaks + np.rot90(streaks, 2)


def own_frost(x: Image, severity: int, rng: np.random.Generator) -> Image:
    """Lay ridges of plasma in the bluish white of ice over a darkened image."""
    kept, laid = FROST[severity]
    # Thin lines, 1 where the clouds are halfway between least and most.
    ridges = 1 - np.abs(2 * plasma(x.shape[:2], 1.5, rng) - 1)
    crystals = (ridges**3)[:, :, None] * np.array([0.85, 0.93, 1.0])
    return kept * x + laid * crystals


def own_elastic_transform(x: Image, severity: int, rng: np.random.Generator) -> Image:
    """Shift pixels by smooth noise and an affine map at once, interpolated once."""
    from scipy.ndimage import map_coordinates

    back, noise = draw_elastic(x.shape[:2], severity, rng)
    grid = np.indices(x.shape[:2]) + noise
    where = np.tensordot(back[:2].T, grid, 1) + back[2][:, None, None]
    channels = [map_coordinates(x[:, :, c], where, order=1, mode="mirror") for c in range(3)]
    return np.stack(channels, axis=-1)


OWN_CORRUPTIONS: Mapping[str, Callable[[Image, int, np.random.Generator], Image]] = (
    MappingProxyType(
        {
            make.__name__: make
            for make in (
                own_glass_blur,
                own_motion_blur,
                own_zoom_blur,
                own_snow,
                own_frost,
                own_elastic_transform,
            )
        }
    )
)
"""Every corruption of our own by name."""

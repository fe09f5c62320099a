"""Snow, frost and fog."""

import numpy as np
import numpy.typing as npt

from .blurs import blur_along, zoom_in

Image = npt.NDArray[np.float64]

_GREY = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue in brightness (ITU-R BT.601)."""


def snow(x: Image, severity: int, rng: np.random.Generator) -> Image:
    """Whiten, and let streaks fall."""
    mean, spread, zoom, threshold, radius, sigma, kept = (
        (0.1, 0.2, 1.0, 0.6, 8, 3.0, 0.95),
        (0.1, 0.2, 1.0, 0.5, 10, 4.0, 0.9),
        (0.15, 0.3, 1.75, 0.55, 10, 4.0, 0.9),
        (0.25, 0.3, 2.25, 0.6, 12, 6.0, 0.85),
        (0.3, 0.3, 1.25, 0.65, 14, 12.0, 0.8),
    )[severity]
    flakes = zoom_in(rng.normal(mean, spread, size=x.shape[:2]), zoom)
    flakes = np.where(flakes < threshold, 0.0, flakes.clip(0, 1))
    angle = rng.uniform(-135, -45)
    streaks = blur_along(flakes, radius, sigma, angle=angle)[:, :, None]
    grey = (x @ _GREY)[:, :, None]
    white = kept * x + (1 - kept) * np.maximum(x, grey * 1.5 + 0.5)
    return white + streaks + np.rot90(streaks, 2)


def frost(x: Image, severity: int, rng: np.random.Generator) -> Image:
    """Lay crystals over a darkened image.

    Unlike the paper, which overlays crops of photographs, the crystals are ridges of plasma in the
    bluish white of ice, so that no third party's picture is needed.
    """
    kept, laid = ((1.0, 0.2), (1.0, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45))[severity]
    ridges = 1 - np.abs(2 * plasma(x.shape[:2], 1.5, rng) - 1)
    crystals = (ridges**3)[:, :, None] * np.array([0.85, 0.93, 1.0])
    return kept * x + laid * crystals


def fog(x: Image, severity: int, rng: np.random.Generator) -> Image:
    """Add clouds, and scale back to the brightest value that there was."""
    strength, decay = ((0.2, 3.0), (0.5, 3.0), (0.75, 2.5), (1.0, 2.0), (1.5, 1.75))[severity]
    brightest = x.max()
    clouds = plasma(x.shape[:2], decay, rng)[:, :, None]
    return (x + strength * clouds) * brightest / (brightest + strength)


def plasma(shape: tuple[int, int], decay: float, rng: np.random.Generator) -> Image:
    """Return clouds from 0 to 1 by the diamond-square algorithm, finer noise at each halving."""
    size = 4
    while size < max(shape):
        size *= 2
    field = np.zeros((size, size))
    step, noise = size, 1.0
    while step >= 2:
        half = step // 2
        corners = field[::step, ::step]
        sums = corners + np.roll(corners, -1, 0)
        sums = sums + np.roll(sums, -1, 1)
        field[half::step, half::step] = sums / 4 + _noise(sums.shape, noise, rng)
        middles = field[half::step, half::step]
        across = middles + np.roll(middles, 1, 0) + corners + np.roll(corners, -1, 1)
        field[::step, half::step] = across / 4 + _noise(sums.shape, noise, rng)
        down = middles + np.roll(middles, 1, 1) + corners + np.roll(corners, -1, 0)
        field[half::step, ::step] = down / 4 + _noise(sums.shape, noise, rng)
        step, noise = half, noise / decay**2  # as CIFAR-10-C's: amplitude times itself
    field -= field.min()
    return (field / field.max())[: shape[0], : shape[1]]


def _noise(shape: tuple[int, ...], scale: float, rng: np.random.Generator) -> Image:
    return rng.uniform(-scale, scale, size=shape)

"""Snow, frost and fog."""

import numpy as np
import numpy.typing as npt

from .noise_and_blur import clipped_zoom, move

Image = npt.NDArray[np.float64]

GREY = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue in brightness (ITU-R BT.601)."""

SNOW = (
    (0.1, 0.2, 1.0, 0.6, 8, 3.0, 0.95),
    (0.1, 0.2, 1.0, 0.5, 10, 4.0, 0.9),
    (0.15, 0.3, 1.75, 0.55, 10, 4.0, 0.9),
    (0.25, 0.3, 2.25, 0.6, 12, 6.0, 0.85),
    (0.3, 0.3, 1.25, 0.65, 14, 12.0, 0.8),
)
"""Of snow: mean and spread of the flakes, their zoom and threshold, radius and sigma of the motion,
and the share of the image that is kept."""


def snow(x: Image, severity: int, rng: np.random.Generator) -> Image:
    """Whiten, and let streaks fall."""
    mean, spread, zoom, threshold, radius, sigma, kept = SNOW[severity]
    flakes = clipped_zoom(rng.normal(mean, spread, size=x.shape[:2]), zoom)
    flakes = np.where(flakes < threshold, 0.0, flakes.clip(0, 1))
    flakes = np.floor(flakes * 255) / 255
    streaks = move(flakes, radius, sigma, angle=rng.uniform(-135, -45))[:, :, None]
    grey = (x @ GREY)[:, :, None]
    white = kept * x + (1 - kept) * np.maximum(x, grey * 1.5 + 0.5)
    return white + streaks + np.rot90(streaks, 2)


FROST = ((1.0, 0.2), (1.0, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45))
"""Of frost: shares of the image and of what is laid over it."""

_ICE = (
    ((78, 149, 165), 10.7, 14.3, 0.634),
    ((198, 202, 212), 8.6, 18.3, 0.507),
    ((198, 203, 212), 9.0, 18.2, 0.507),
    ((142, 157, 170), 10.6, 26.1, 0.367),
    ((104, 115, 127), 16.8, 33.8, 0.456),
)
"""What was measured of the makers' five photographs, a fifth of their size, in crops of 32 pixels:
mean colour, standard deviation of the crops' brightness and of pixels within a crop, and the share
of the latter that is in clouds, not in single pixels."""


def frost(x: Image, severity: int, rng: np.random.Generator) -> Image:
    """Lay ice over a darkened image.

    Unlike the paper, which overlays crops of photographs (``photographs.lay_frost``), the ice is
    drawn, as bright, uneven and fine as those are, so that no third party's picture is needed.
    """
    kept, laid = FROST[severity]
    return kept * x + laid * draw_ice(x.shape[:2], rng)


def draw_ice(shape: tuple[int, int], rng: np.random.Generator) -> Image:
    """Return ice ``(h, w, 3)`` in [0, 1] that is like a crop of one of the photographs."""
    colour, between, within, cloudy = _ICE[rng.integers(len(_ICE))]
    clouds = plasma(shape, 1.3, rng)
    clouds = (clouds - clouds.mean()) / max(clouds.std(), 1e-12)
    # Shares are of the variance, which adds up; hence the roots.
    grain = cloudy**0.5 * clouds + (1 - cloudy) ** 0.5 * rng.normal(size=shape)
    brightness = rng.normal(scale=between) + within * grain
    return ((np.array(colour) + brightness[:, :, None]) / 255).clip(0, 1)


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
        # Neighbours are found by rolling, so that the clouds go on from one edge at the other.
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

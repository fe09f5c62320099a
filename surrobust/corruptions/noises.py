"""Noise of sensors and transmissions."""

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.float64]


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

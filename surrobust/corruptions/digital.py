"""Brightness, contrast, and what processing does."""

import io
from typing import Any

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.float64]


def brightness(x: Image, severity: int, rng: np.random.Generator) -> Image:
    """Raise the value of hue, saturation and value."""
    del rng
    value = x.max(axis=2, keepdims=True)
    raised = (value + (0.05, 0.1, 0.15, 0.2, 0.3)[severity]).clip(0, 1)
    # With hue and saturation kept, all three channels scale as the largest does.
    return np.where(value > 0, x / np.where(value > 0, value, 1.0) * raised, raised)


def contrast(x: Image, severity: int, rng: np.random.Generator) -> Image:
    """Draw each channel towards its mean."""
    del rng
    means = x.mean(axis=(0, 1), keepdims=True)
    return (x - means) * (0.75, 0.5, 0.4, 0.3, 0.15)[severity] + means


def elastic_transform(x: Image, severity: int, rng: np.random.Generator) -> Image:
    """Move three points, hence everything affinely; then shift pixels by smooth noise.

    Simard, Steinkraus & Platt, "Best practices for convolutional neural networks applied to visual
    document analysis" (ICDAR 2003), section 2.
    """
    from scipy.ndimage import gaussian_filter, map_coordinates

    side = min(x.shape[:2])
    alpha, sigma, affine = (
        (0.0, 0.0, 0.08),
        (0.05, 0.2, 0.07),
        (0.08, 0.06, 0.06),
        (0.1, 0.04, 0.05),
        (0.1, 0.03, 0.03),
    )[severity]
    middle, part = np.array(x.shape[:2]) // 2, side // 3
    points = middle + part * np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
    moved = points + rng.uniform(-affine * side, affine * side, size=points.shape)
    # The affine map that leads from where the points went to where they were.
    back = np.linalg.solve(np.column_stack([moved, np.ones(3)]), points)
    grid = np.meshgrid(*(np.arange(size, dtype=np.float64) for size in x.shape[:2]), indexing="ij")
    for axis in grid:
        noise = rng.uniform(-1, 1, size=axis.shape)
        axis += alpha * side * gaussian_filter(noise, sigma * side, mode="reflect", truncate=3)
    places = np.stack([*grid, np.ones_like(grid[0])], axis=-1) @ back
    where = places.transpose(2, 0, 1)
    channels = [map_coordinates(x[:, :, c], where, order=1, mode="mirror") for c in range(3)]
    return np.stack(channels, axis=-1)


def pixelate(x: Image, severity: int, rng: np.random.Generator) -> Image:
    """Shrink and enlarge."""
    from PIL import Image as Pillow

    del rng
    share = (0.95, 0.9, 0.85, 0.75, 0.65)[severity]
    height, width = x.shape[:2]
    box = Pillow.Resampling.BOX
    small = _picture(x).resize((int(width * share), int(height * share)), box)
    return np.asarray(small.resize((width, height), box)) / 255


def jpeg_compression(x: Image, severity: int, rng: np.random.Generator) -> Image:
    """Write and read as JPEG."""
    from PIL import Image as Pillow

    del rng
    buffer = io.BytesIO()
    _picture(x).save(buffer, "JPEG", quality=(80, 65, 58, 50, 40)[severity])
    return np.asarray(Pillow.open(buffer, formats=["JPEG"])) / 255


def _picture(x: Image) -> Any:
    from PIL import Image as Pillow

    return Pillow.fromarray(np.rint(x * 255).astype(np.uint8))

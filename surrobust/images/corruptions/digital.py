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
    # Black has no saturation: it becomes grey.
    return np.where(value > 0, x / np.where(value > 0, value, 1.0) * raised, raised)


def contrast(x: Image, severity: int, rng: np.random.Generator) -> Image:
    """Draw each channel towards its mean."""
    del rng
    means = x.mean(axis=(0, 1), keepdims=True)
    return (x - means) * (0.75, 0.5, 0.4, 0.3, 0.15)[severity] + means


def elastic_transform(x: Image, severity: int, rng: np.random.Generator) -> Image:
    """Move three points, hence everything affinely; then shift pixels by smooth noise.

    Simard, Steinkraus & Platt, "Best practices for convolutional neural networks applied to visual
    document analysis" (ICDAR 2003), section 2. Interpolated after each, as was published; unlike
    there, whose OpenCV rounds them to 1/32, at places as they come.
    """
    from scipy.ndimage import map_coordinates

    back, noise = draw_elastic(x.shape[:2], severity, rng)
    grid = np.indices(x.shape[:2])
    # (2, h, w): rows and columns that pixels come from; back is (3, 2), its last row the shift.
    where = np.tensordot(back[:2].T, grid, 1) + back[2][:, None, None]
    found = np.empty_like(x)
    for c in range(3):
        moved = map_coordinates(x[:, :, c], where, order=1, mode="mirror")
        found[:, :, c] = map_coordinates(moved, grid + noise, order=1, mode="reflect")
    return found


def draw_elastic(
    shape: tuple[int, ...], severity: int, rng: np.random.Generator
) -> tuple[Image, Image]:
    """Return a map ``(3, 2)`` from places to where they came from, and shifts ``(2, h, w)``.

    The map is affine: places are rows and columns, and its last row is added.
    """
    from scipy.ndimage import gaussian_filter

    side = min(shape)
    alpha, sigma, affine = (
        (0.0, 0.0, 0.08),
        (0.05, 0.2, 0.07),
        (0.08, 0.06, 0.06),
        (0.1, 0.04, 0.05),
        (0.1, 0.03, 0.03),
    )[severity]
    middle, part = np.array(shape) // 2, side // 3
    points = middle + part * np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
    moved = points + rng.uniform(-affine * side, affine * side, size=points.shape)
    # The affine map that leads from where the points went to where they were.
    back = np.linalg.solve(np.column_stack([moved, np.ones(3)]), points)
    noise = np.empty((2, *shape))
    for axis in noise:
        drawn = rng.uniform(-1, 1, size=shape)
        axis[:] = alpha * side * gaussian_filter(drawn, sigma * side, mode="reflect", truncate=3)
    return back, noise


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

    # Exact: the image had 8 bits, and nothing was done to it.
    return Pillow.fromarray(np.rint(x * 255).astype(np.uint8))

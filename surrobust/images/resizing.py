"""Images of another size."""

import numpy as np
import numpy.typing as npt
from PIL import Image


def resize(x: npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.uint8]:
    """Return images ``(n, 3, h, w)`` as ``(n, 3, size, size)``, interpolated bilinearly."""
    if x.shape[2:] == (size, size):
        return x
    return np.stack([to_array(Image.fromarray(to_rows(image)), size) for image in x])


def to_array(picture: Image.Image, size: int | None = None) -> npt.NDArray[np.uint8]:
    """Return a picture as ``(3, h, w)`` uint8, of another size if one is given."""
    colours = picture.convert("RGB")
    if size is not None and colours.size != (size, size):
        colours = colours.resize((size, size), Image.Resampling.BILINEAR)
    return np.ascontiguousarray(np.asarray(colours, dtype=np.uint8).transpose(2, 0, 1))


def to_rows(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return an image ``(3, h, w)`` as ``(h, w, 3)``."""
    return np.ascontiguousarray(image.transpose(1, 2, 0))

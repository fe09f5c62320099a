"""Images of another size."""

import numpy as np
import numpy.typing as npt
from PIL import Image

_TO_BYTES = 65535 / 255
_BITS_PER_SAMPLE = 258  # a tag of TIFF


def resize(x: npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.uint8]:
    """Return images ``(n, 3, h, w)`` as ``(n, 3, size, size)``, interpolated bilinearly."""
    if x.shape[2:] == (size, size):
        return x
    return np.stack([to_array(Image.fromarray(to_rows(image)), size) for image in x])


def to_array(picture: Image.Image, size: int | None = None) -> npt.NDArray[np.uint8]:
    """Return a picture as ``(3, h, w)`` uint8, of another size if one is given.

    Grey of 16 bits is scaled to 8.

    Raises:
        ValueError: If its numbers have no known range, as whole numbers of 32 bits and floats.
    """
    colours = _in_bytes(picture).convert("RGB")
    if size is not None and colours.size != (size, size):
        colours = colours.resize((size, size), Image.Resampling.BILINEAR)
    return np.ascontiguousarray(np.asarray(colours, dtype=np.uint8).transpose(2, 0, 1))


def _in_bytes(picture: Image.Image) -> Image.Image:
    """Return a picture of at most 8 bits a channel; Pillow's own conversion clips what is above."""
    if not picture.mode.startswith(("I", "F")):
        return picture
    # Portable greymaps, and PNG in some versions, come as 32 bits of which 16 are used.
    wide = picture.mode == "I" and picture.format in ("PNG", "PPM")
    bits = getattr(picture, "tag_v2", {}).get(_BITS_PER_SAMPLE, (16,))
    if not (wide or picture.mode.startswith("I;16")) or tuple(bits) != (16,):
        msg = f"pixels of mode {picture.mode}, {bits[0]} bits, whose range is not known"
        raise ValueError(msg)
    values = np.asarray(picture).astype(np.float64)
    return Image.fromarray(np.rint(values / _TO_BYTES).astype(np.uint8))


def to_rows(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return an image ``(3, h, w)`` as ``(h, w, 3)``."""
    return np.ascontiguousarray(image.transpose(1, 2, 0))

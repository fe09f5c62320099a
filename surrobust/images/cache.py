"""Decoded images kept beside their folder, so that only the first run decodes them.

The file is safetensors: one array ``x``, ``(n, 3, h, w)`` uint8. Its metadata say by a checksum of
which files it was made, and what the sha256 of the pixels is. It may be deleted at any time.
"""

import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import PIL

from .._checks import brief
from .._files import write_bytes

logger = logging.getLogger(__name__)

_VERSION = 2  # of how pixels are made of files
_FILES, _PIXELS = "surrobust-files", "surrobust-pixels"

_LARGEST = 2**31
"""Bytes of the largest array that is kept: writing one takes two copies of it in memory."""


def cache_path(folder: Path, place: Path, image_size: int | None) -> Path:
    """Return where the images of ``place``, the folder or its split, are kept.

    For ``/data/pets`` that is ``/data/pets.images.safetensors``, for its split ``train``
    ``/data/pets.train.images.safetensors``, with ``images-32`` for images brought to 32 pixels.
    """
    real = folder.resolve()  # "." has a name then
    kind = "images" if image_size is None else f"images-{image_size}"
    parts = (real.name, *place.relative_to(folder).parts, kind, "safetensors")
    return real.parent / ".".join(parts)


def checksum_of_pixels(files: Sequence[Path], image_size: int | None) -> str:
    """Return the sha256 of all that the pixels depend on.

    A file is known by its class, name, size and time of modification. Pillow's version counts, for
    it comes with the decoders.
    """
    document = {
        "version": _VERSION,
        "pillow": PIL.__version__,
        "image_size": image_size,
        "files": [(path.parent.name, path.name, *_state(path)) for path in files],
    }
    return hashlib.sha256(json.dumps(document).encode()).hexdigest()


def read_cache(path: Path, expected: str, n: int) -> npt.NDArray[np.uint8] | None:
    """Return the images kept in a file; None, with a line in the log, if it has not what is sought.

    Args:
        path: The file.
        expected: Their :func:`checksum_of_pixels`.
        n: How many there must be.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="np") as file:
            metadata = file.metadata() or {}
            if metadata.get(_FILES) != expected:
                logger.info("%s: of other files, all is decoded anew", path)
                return None
            x = file.get_tensor("x")
        _check(x, n, metadata.get(_PIXELS))
    except FileNotFoundError:
        return None
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        logger.warning("%s: not usable, all is decoded anew: %s", path, brief(str(error)))
        return None
    logger.info("%s: %d decoded images are taken from here", path, n)
    return x


def write_cache(path: Path, made_of: str, x: npt.NDArray[np.uint8]) -> None:
    """Keep images of that :func:`checksum_of_pixels`; where that cannot be, the log says so."""
    from safetensors.numpy import save

    if x.nbytes > _LARGEST:
        logger.info("%s: not written, %d bytes are many", path, x.nbytes)
        return
    try:
        write_bytes(path, save({"x": x}, metadata={_FILES: made_of, _PIXELS: _sha256(x)}))
    except OSError as error:
        logger.info("%s: not written: %s", path, error)
    else:
        logger.info("%s: %d decoded images are kept here", path, len(x))


def _state(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:  # a broken link, say, of which whoever decodes it tells
        return -1, -1
    return found.st_size, found.st_mtime_ns


def _check(x: npt.NDArray[np.uint8], n: int, pixels: str | None) -> None:
    if x.dtype != np.uint8 or x.ndim != 4 or x.shape[:2] != (n, 3):
        msg = f"expected uint8 of shape ({n}, 3, h, w), got {x.dtype} of shape {x.shape}"
        raise ValueError(msg)
    if _sha256(x) != pixels:
        msg = "expected other pixels by their sha256"
        raise ValueError(msg)


def _sha256(x: npt.NDArray[np.uint8]) -> str:
    return hashlib.sha256(np.ascontiguousarray(x).data).hexdigest()

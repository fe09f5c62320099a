"""The makers' photographs of frost, where the user has them."""

import io
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..._places import data_dirs
from ..._sources import Source, list_archives, locate_in, read_verified
from ...errors import MissingMeasurementError
from ...typing import AnyPath
from .weather import FROST

Image = npt.NDArray[np.float64]

_SHRUNK = 5
"""By how much the photographs are shrunk for images of 32 pixels."""


def _photographs() -> list[Source]:
    return [source for source in list_archives() if "frost" in source.used_by]


def find_frost(data_dir: AnyPath | None = None) -> Path | None:
    """Return the first data folder that has all photographs; None if none has.

    Args:
        data_dir: The only folder to look in; None looks where tables are looked for.
    """
    folders = data_dirs(data_dir)
    return next((f for f in folders if all(locate_in(s, f) for s in _photographs())), None)


def load_frost(folder: AnyPath) -> tuple[Image, ...]:
    """Return the photographs, a fifth of their size, each ``(h, w, 3)`` in [0, 1].

    Args:
        folder: What :func:`find_frost` returns.

    Raises:
        ChecksumError: If one of them is not the published one.
        InvalidInputError: If one cannot be read.
        MissingMeasurementError: If one is not there.
    """
    return _load(str(folder))


@lru_cache(maxsize=4)
def _load(folder: str) -> tuple[Image, ...]:
    from PIL import Image as Pillow

    found = []
    for source in _photographs():
        path = locate_in(source, Path(folder))
        if path is None:
            msg = f"frost: {source.path} is not in {folder}: run surrobust data fetch frost"
            raise MissingMeasurementError(msg)
        with Pillow.open(io.BytesIO(read_verified(source, path)), formats=["PNG", "JPEG"]) as file:
            pixels = np.asarray(file.convert("RGB"))
        rows, columns = (round(size / _SHRUNK) for size in pixels.shape[:2])
        # Linear interpolation at a fifth of the size falls on every fifth pixel, from the third on.
        small = pixels[_SHRUNK // 2 :: _SHRUNK, _SHRUNK // 2 :: _SHRUNK][:rows, :columns]
        found.append(small / 255)
    return tuple(found)


def lay_frost(
    x: Image, severity: int, rng: np.random.Generator, *, photographs: tuple[Image, ...]
) -> Image:
    """Lay a crop of a photograph over a darkened image.

    Five photographs are drawn from; the published code lists a sixth that it never comes to. Unlike
    there, where images have 32 pixels, a photograph is repeated where it is smaller than the image.
    """
    kept, laid = FROST[severity]
    ice = photographs[rng.integers(len(photographs))]
    places = []
    for size, most in zip(x.shape[:2], ice.shape[:2], strict=True):
        places.append((rng.integers(max(most - size, 1)) + np.arange(size)) % most)
    return kept * x + laid * ice[np.ix_(*places)]

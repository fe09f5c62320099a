"""Corruptions by name, and the published arrays that were made with them."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from ..._checks import check_choice, check_integer
from ...errors import InvalidInputError
from ...typing import AnyPath
from . import digital, photographs, weather
from . import noise_and_blur as blurs
from . import noise_and_blur as noises
from .own import OWN_CORRUPTIONS

SEVERITIES = (1, 2, 3, 4, 5)
"""From slight to strong."""

Image = npt.NDArray[np.float64]
"""``(h, w, 3)`` in [0, 1]."""

CORRUPTIONS: Mapping[str, Callable[[Image, int, np.random.Generator], Image]] = MappingProxyType(
    {
        "gaussian_noise": noises.gaussian_noise,
        "shot_noise": noises.shot_noise,
        "impulse_noise": noises.impulse_noise,
        "defocus_blur": blurs.defocus_blur,
        "glass_blur": blurs.glass_blur,
        "motion_blur": blurs.motion_blur,
        "zoom_blur": blurs.zoom_blur,
        "snow": weather.snow,
        "frost": weather.frost,
        "fog": weather.fog,
        "brightness": digital.brightness,
        "contrast": digital.contrast,
        "elastic_transform": digital.elastic_transform,
        "pixelate": digital.pixelate,
        "jpeg_compression": digital.jpeg_compression,
    }
)
"""Every corruption by name: image, severity from 0 for the slightest, generator to image."""


def corrupt(
    x: npt.NDArray[np.uint8],
    name: str,
    severity: int,
    *,
    seed: int = 0,
    frost: AnyPath | None = None,
) -> npt.NDArray[np.uint8]:
    """Return corrupted images; each depends on the seed and its own place, not on the others.

    Args:
        x: ``(n, 3, h, w)`` uint8.
        name: One of :data:`CORRUPTIONS`, or of ``OWN_CORRUPTIONS``.
        severity: 1 to 5.
        seed: Of every random choice.
        frost: Folder of the makers' photographs (``find_frost``), of which ``frost`` is then made;
            None draws the ice.

    Raises:
        ChecksumError: If a photograph is not the published one.
        InvalidInputError: If an argument is not what was expected.
        MissingMeasurementError: If a photograph is not there.
    """
    check_choice("corruption", name, (*CORRUPTIONS, *OWN_CORRUPTIONS))
    check_integer("seed", seed, minimum=0)
    if check_integer("severity", severity, minimum=1) not in SEVERITIES:
        msg = f"severity: expected 1 to 5, got {severity}"
        raise InvalidInputError(msg)
    given: Any = x
    if not isinstance(given, np.ndarray) or given.dtype != np.uint8 or given.ndim != 4:
        msg = "x: expected a uint8 array of shape (n, 3, h, w)"
        raise InvalidInputError(msg)
    if x.shape[1] != 3 or min(x.shape[2:]) < 4:
        msg = f"x: expected shape (n, 3, h, w) of at least 4 x 4 pixels, got {x.shape}"
        raise InvalidInputError(msg)
    change = {**CORRUPTIONS, **OWN_CORRUPTIONS}[name]
    if name == "frost" and frost is not None:
        change = partial(photographs.lay_frost, photographs=photographs.load_frost(frost))
    found = np.empty_like(x)
    for place, image in enumerate(x):
        pixels = image.transpose(1, 2, 0) / 255
        rng = np.random.default_rng([seed, place])
        changed = change(pixels, severity - 1, rng).clip(0, 1)
        # Cut off, as the makers do; what is whole but for rounding has to stay so.
        found[place] = (changed * 255 + 1e-9).astype(np.uint8).transpose(2, 0, 1)
    return found


def load_published(
    folder: AnyPath, name: str, severity: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Return the published images of a corruption at a severity, with their classes.

    Reads ``<folder>/<name>.npy``, 50000 x 32 x 32 x 3 bytes, severity after severity, and
    ``<folder>/labels.npy``; only the part asked for is read.

    Args:
        folder: Where the unpacked archive lies.
        name: One of :data:`~surrobust.images.corruptions.CORRUPTIONS`.
        severity: 1 to 5.

    Returns:
        Images ``(n, 3, h, w)`` uint8 and classes ``(n,)`` int64, n a fifth of the arrays.

    Raises:
        InvalidInputError: If an argument or a file is not what was expected.
    """
    check_choice("corruption", name, CORRUPTIONS)
    if severity not in SEVERITIES:
        msg = f"severity: expected 1 to 5, got {severity!r}"
        raise InvalidInputError(msg)
    images, labels = (_open(Path(folder) / f"{part}.npy") for part in (name, "labels"))
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8 or len(images) % 5:
        got = f"{images.dtype} {images.shape}"
        msg = f"{folder}/{name}.npy: expected uint8 of shape (5 n, h, w, 3), got {got}"
        raise InvalidInputError(msg)
    if labels.shape != images.shape[:1] or labels.dtype.kind not in "iu":
        got = f"{labels.dtype} {labels.shape}"
        msg = f"{folder}/labels.npy: expected integers of shape ({len(images)},), got {got}"
        raise InvalidInputError(msg)
    n = len(images) // 5
    part = slice((severity - 1) * n, severity * n)
    x = np.ascontiguousarray(images[part].transpose(0, 3, 1, 2))
    return x, labels[part].astype(np.int64)


def _open(path: Path) -> npt.NDArray[np.generic]:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        told = str(error).splitlines()[0] if str(error) else type(error).__name__
        msg = f"{path}: expected an array of NumPy, got: {told}"
        raise InvalidInputError(msg) from None

"""Corruptions by name."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import check_choice, check_integer
from ..errors import InvalidInputError
from ..typing import AnyPath
from . import blurs, digital, noises, photographs, weather
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
        found[place] = (changed * 255 + 1e-9).astype(np.uint8).transpose(2, 0, 1)
    return found

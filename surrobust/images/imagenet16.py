"""ImageNet16-120 from the official files of ImageNet at 16 x 16 pixels.

Chrabaszcz, Loshchilov & Hutter, "A downsampled variant of ImageNet as an alternative to the CIFAR
datasets" (2017, arXiv 1707.08819); the first 120 classes are NAS-Bench-201's third image set.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .._sources import imagenet16_sums
from ..errors import ChecksumError, InvalidInputError, MissingMeasurementError
from .image_set import ImageSet
from .pickled import read_pickled

FOLDERS = ("ImageNet16", "imagenet16", "")
"""Where the files lie in a data folder."""

_CLASSES = 120
_SHAPE = (3, 16, 16)
_PREFIXES = {"train": "train_data_batch_", "test": "val_data"}


def imagenet16_images(folders: Sequence[Path], *, split: str) -> ImageSet:
    """Return the images of the first 120 classes, 151 700 for training or 6000 for testing.

    Args:
        folders: Where to look.
        split: ``train`` (``train_data_batch_1`` to ``_10``) or ``test`` (``val_data``).

    Raises:
        MissingMeasurementError: If a file is in none of the folders.
        ChecksumError: If a file is not the published one.
        InvalidInputError: If it is laid out otherwise.
    """
    sums = imagenet16_sums()
    names = [name for name in sums if name.startswith(_PREFIXES[split])]
    place = _find(folders, names)
    parts = [_read(place / name, sums[name]) for name in names]
    x = np.concatenate([part[0] for part in parts])
    y = np.concatenate([part[1] for part in parts])
    # By number, as the files name none.
    classes = tuple(str(number) for number in range(1, _CLASSES + 1))
    return ImageSet("imagenet16-120", split, x, y, classes)


def _find(folders: Sequence[Path], names: Sequence[str]) -> Path:
    for folder in folders:
        for place in (folder / name for name in FOLDERS):
            if all((place / name).is_file() for name in names):
                return place
    looked = ", ".join(str(folder) for folder in folders)
    msg = (
        f"imagenet16-120: expected {names[0]}"
        f"{f' to {names[-1]}' if len(names) > 1 else ''} in a folder ImageNet16 of {looked}, got "
        "none: they are had from image-net.org, as downsampled images of 16 x 16 pixels"
    )
    raise MissingMeasurementError(msg)


def _read(path: Path, expected: str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Return the images and classes, from 0, of one file, of the first 120 classes."""
    content = path.read_bytes()
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != expected:
        msg = f"{path}: expected md5 {expected}, got {found}"
        raise ChecksumError(msg)
    document = read_pickled(content, name=str(path))
    data, labels = _entries(document, path)
    kept = labels <= _CLASSES
    return data[kept].reshape(-1, *_SHAPE), labels[kept] - 1


def _entries(document: Any, path: Path) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    data = document.get("data") if isinstance(document, dict) else None
    labels = document.get("labels") if isinstance(document, dict) else None
    pixels = _SHAPE[0] * _SHAPE[1] * _SHAPE[2]
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.shape[1:] != (pixels,):
        msg = f"{path}: expected an array data of shape (n, {pixels}), uint8, got another"
        raise InvalidInputError(msg)
    try:
        y = np.asarray(labels, dtype=np.int64)
    except (TypeError, ValueError):
        y = np.empty(0, dtype=np.int64)
    if y.shape != data.shape[:1] or int(y.min()) < 1:
        msg = f"{path}: expected labels from 1, one for each of {len(data)} images, got others"
        raise InvalidInputError(msg)
    return data, y

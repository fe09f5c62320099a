"""Images in a folder, one sub-folder a class."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from .._checks import brief
from .._random import as_generator
from ..errors import InvalidInputError
from ..typing import Seed
from .image_set import ImageSet
from .resizing import to_array

_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}


def folder_images(
    folder: Path, *, split: str, image_size: int | None, limit: int | None, seed: Seed
) -> ImageSet:
    """Return the images of ``folder/<split>/<class>/*`` or, without such, ``folder/<class>/*``.

    Classes are numbered in the order of their names. All images have one size.

    Args:
        folder: Where they are.
        split: ``train`` or ``test``.
        image_size: Height and width to which they are brought; None leaves them.
        limit: How many to read at most, drawn at random with all classes about equally often;
            None is all.
        seed: Seed or generator of that draw.

    Raises:
        InvalidInputError: If there is no class, a class is empty, or a file is not an image of the
            size of the others.
    """
    place = folder / split if (folder / split).is_dir() else folder
    found = _list(place)
    if limit is not None:
        found = _draw(found, limit, seed)
    paths = [(path, number) for number, name in enumerate(found) for path in found[name]]
    x = [_read(path, image_size) for path, _ in paths]
    for (path, _), image in zip(paths, x, strict=True):
        if image.shape != x[0].shape:
            msg = f"{path}: expected {_size(x[0])} pixels as in {paths[0][0].name}"
            raise InvalidInputError(f"{msg}, got {_size(image)} (image_size makes them equal)")
    y = np.array([number for _, number in paths], dtype=np.int64)
    return ImageSet(folder.name, split, np.stack(x), y, tuple(found))


def _list(place: Path) -> dict[str, list[Path]]:
    """Return the image files by class, both sorted."""
    folders = sorted(path for path in place.iterdir() if path.is_dir())
    if not folders:
        msg = f"{place}: expected a folder per class (or train/ and test/ with them), got none"
        raise InvalidInputError(msg)
    found = {}
    for folder in folders:
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
        if not files:
            msg = f"{folder}: expected images ({', '.join(sorted(_SUFFIXES))}), got none"
            raise InvalidInputError(msg)
        found[folder.name] = files
    return found


def _draw(found: dict[str, list[Path]], limit: int, seed: Seed) -> dict[str, list[Path]]:
    """Return at most ``limit`` files, one of each class in turn."""
    rng = as_generator(seed)
    mixed = {name: [files[i] for i in rng.permutation(len(files))] for name, files in found.items()}
    turns = [
        (turn, number, name)
        for number, name in enumerate(mixed)
        for turn in range(len(mixed[name]))
    ]
    drawn: dict[str, list[Path]] = {name: [] for name in mixed}
    for turn, _, name in sorted(turns)[:limit]:
        drawn[name].append(mixed[name][turn])
    return drawn


def _read(path: Path, size: int | None) -> npt.NDArray[np.uint8]:
    try:
        with Image.open(path) as picture:
            return to_array(picture, size)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        msg = f"{path}: expected a readable image, got {brief(str(error))}"
        raise InvalidInputError(msg) from None


def _size(image: npt.NDArray[np.uint8]) -> str:
    return f"{image.shape[2]} x {image.shape[1]}"

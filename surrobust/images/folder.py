"""Images in a folder, one sub-folder a class."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from .._random import as_generator
from ..errors import InvalidInputError
from ..typing import Seed
from .cache import cache_path, checksum, read_cache, write_cache
from .decoding import read_images
from .image_set import ImageSet

_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}

_KEPT = 2000
"""A folder of so many files is worth a cache: decoding them takes 0.15 s or more."""

_SHARE = 0.1
"""A draw of less of the files is decoded: it takes as long to see whether all are unchanged."""


def folder_images(
    folder: Path, *, split: str, image_size: int | None, limit: int | None, seed: Seed
) -> ImageSet:
    """Return the images of ``folder/<split>/<class>/*`` or, without such, ``folder/<class>/*``.

    Classes are numbered in the order of their names. All images have one size. Large folders are
    decoded on all cores, and what was decoded is kept beside them for the next time: see
    :func:`~surrobust.images.cache.cache_path`.

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
    drawn = found if limit is None else _draw(found, limit, seed)
    x = _pixels(_flat(found), _flat(drawn), cache_path(folder, place, image_size), image_size)
    y = [number for number, files in enumerate(drawn.values()) for _ in files]
    return ImageSet(folder.name, split, x, np.array(y, dtype=np.int64), tuple(found))


def _pixels(
    files: list[Path], drawn: list[Path], cache: Path, image_size: int | None
) -> npt.NDArray[np.uint8]:
    """Return the images that were drawn of all files, from the cache where that is sooner done."""
    if len(files) < _KEPT or len(drawn) < len(files) * _SHARE:
        return _decode(drawn, image_size)
    # Before they are decoded: a file that changes meanwhile makes the cache one of other files.
    made_of = checksum(files, image_size)
    x = read_cache(cache, made_of, len(files))
    if x is None:
        x = _decode(drawn, image_size)
        if drawn == files:
            write_cache(cache, made_of, x)
        return x
    if drawn == files:
        return x
    rows = {path: row for row, path in enumerate(files)}
    return x[[rows[path] for path in drawn]]


def _decode(paths: list[Path], image_size: int | None) -> npt.NDArray[np.uint8]:
    images = read_images(paths, image_size)
    first = images[0]
    for path, image in zip(paths, images, strict=True):
        if image.shape != first.shape:
            msg = f"{path}: expected {_size(first)} pixels as in {paths[0].name}"
            raise InvalidInputError(f"{msg}, got {_size(image)} (image_size makes them equal)")
    return np.stack(images)


def _flat(found: dict[str, list[Path]]) -> list[Path]:
    return [path for files in found.values() for path in files]


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


def _size(image: npt.NDArray[np.uint8]) -> str:
    return f"{image.shape[2]} x {image.shape[1]}"

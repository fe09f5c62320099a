"""Images in a folder, one sub-folder a class."""

import logging
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .._random import as_generator
from ..errors import InvalidInputError
from ..typing import Seed
from .cache import cache_path, checksum_of_pixels, read_cache, write_cache
from .decoding import SUFFIXES, read_images
from .image_set import SPLITS, TEST, TRAIN, ImageSet

logger = logging.getLogger(__name__)

_KEPT = 2000
"""A folder of so many files is worth a cache: decoding them takes 0.15 s or more."""

_SHARE = 0.1
"""A draw of less of the files is decoded: it takes as long to see whether all are unchanged."""

_NOT_CLASSES = ("__MACOSX", "__pycache__")
"""Folders, besides hidden ones, that programs leave behind."""

Files = dict[str, list[Path]]
"""Image files by the name of their class, both sorted."""


def folder_images(
    folder: Path,
    *,
    split: str,
    image_size: int | None,
    limit: int | None,
    seed: Seed,
    name: str,
) -> ImageSet:
    """Return the images of ``folder/<split>/<class>/*`` or, without such, ``folder/<class>/*``.

    Classes are numbered in the order of their names, in both splits by the names in ``train``. A
    folder without splits is for training alone. Hidden folders and files of other endings than
    those of images are left out, which the log says. All images have one size. Large folders are
    decoded on all cores, and what was decoded is kept beside them for the next time: see
    :func:`~surrobust.images.cache.cache_path`.

    Args:
        folder: Where they are.
        split: ``train`` or ``test``.
        image_size: Height and width to which they are brought; None leaves them.
        limit: How many to read at most, drawn at random with all classes about equally often;
            None is all.
        seed: Seed or generator of that draw.
        name: What the set is called.

    Raises:
        InvalidInputError: If the split is not there, there is no class, a class is empty or not
            among those of ``train``, or a file is not an image of the size of the others.
    """
    place = _find_split(folder, split)
    found = _list(place)
    classes = _class_names(folder / TRAIN) if place == folder / TEST else list(found)
    if unknown := [label for label in found if label not in classes]:
        msg = f"{place}: expected classes among those in {TRAIN}/, got {', '.join(unknown)}"
        raise InvalidInputError(msg)
    drawn = found if limit is None else _draw(found, limit, seed)
    x = _pixels(_flat(found), _flat(drawn), cache_path(folder, place, image_size), image_size)
    y = [classes.index(label) for label, files in drawn.items() for _ in files]
    return ImageSet(name, split, x, np.array(y, dtype=np.int64), tuple(classes))


def _find_split(folder: Path, split: str) -> Path:
    """Return where the images of a split are.

    Raises:
        InvalidInputError: If the folder has not got it.
    """
    names = ", ".join(f"{name}/" for name in _class_names(folder)) or "none"
    if (folder / TRAIN).is_dir() and (folder / split).is_dir():
        rest = [name for name in _class_names(folder) if name not in SPLITS]
        if rest and split == TRAIN:
            logger.warning("%s: left out: %s/", folder, "/, ".join(rest))
        return folder / split
    if (folder / TRAIN).is_dir() or (folder / TEST).is_dir():
        other = TRAIN if split == TRAIN or not (folder / TRAIN).is_dir() else TEST
        msg = f"{folder}: expected a folder {other}/ with a folder per class, got {names}"
        raise InvalidInputError(msg)
    if split == TEST:
        msg = f"{folder}: expected {TRAIN}/ and {TEST}/ with a folder per class, got {names}"
        raise InvalidInputError(f"{msg}, all of it for training")
    return folder


def _pixels(
    files: list[Path], drawn: list[Path], cache: Path, image_size: int | None
) -> npt.NDArray[np.uint8]:
    """Return the images that were drawn of all files, from the cache where that is sooner done."""
    if len(files) < _KEPT or len(drawn) < len(files) * _SHARE:
        return _decode(drawn, image_size)
    # Before they are decoded: a file that changes meanwhile makes the cache one of other files.
    made_of = checksum_of_pixels(files, image_size)
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


def _flat(found: Files) -> list[Path]:
    return [path for files in found.values() for path in files]


def _class_names(place: Path) -> list[str]:
    """Return the names of the folders that are classes, sorted."""
    return sorted(path.name for path in place.iterdir() if path.is_dir() and _counts(path))


def _counts(path: Path) -> bool:
    """Tell whether a file or folder is somebody's, not left behind by a program."""
    return not path.name.startswith(".") and path.name not in _NOT_CLASSES


def _list(place: Path) -> Files:
    """Return the image files by class; what else is there is told.

    Raises:
        InvalidInputError: If there is no class, or no image of one.
    """
    names = _class_names(place)
    if not names:
        msg = f"{place}: expected a folder per class (or {TRAIN}/ and {TEST}/ with them), got none"
        raise InvalidInputError(msg)
    found: Files = {}
    others = Counter(
        f"{path.suffix} beside the classes"
        for path in place.iterdir()
        if path.suffix.lower() in SUFFIXES and path.is_file() and _counts(path)
    )
    for name in names:
        files = sorted(path for path in (place / name).iterdir() if _counts(path))
        found[name] = [path for path in files if path.suffix.lower() in SUFFIXES]
        rest = Counter(_kind(path) for path in files if path.suffix.lower() not in SUFFIXES)
        if not found[name]:
            msg = f"{place / name}: expected images ({', '.join(sorted(SUFFIXES))})"
            raise InvalidInputError(f"{msg}, got {_told(rest) or 'none'}")
        others += rest
    if others:
        logger.warning("%s: left out: %s", place, _told(others))
    return found


def _kind(path: Path) -> str:
    if path.is_dir():
        return "folders in classes"
    return path.suffix or "without an ending"


def _told(others: Counter[str]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(others.items()))


def _draw(found: Files, limit: int, seed: Seed) -> Files:
    """Return at most ``limit`` files, one of each class in turn."""
    rng = as_generator(seed)
    mixed = {name: [files[i] for i in rng.permutation(len(files))] for name, files in found.items()}
    turns = [
        (turn, number, name)
        for number, name in enumerate(mixed)
        for turn in range(len(mixed[name]))
    ]
    drawn: Files = {name: [] for name in mixed}
    for turn, _, name in sorted(turns)[:limit]:
        drawn[name].append(mixed[name][turn])
    return drawn


def _size(image: npt.NDArray[np.uint8]) -> str:
    return f"{image.shape[2]} x {image.shape[1]}"

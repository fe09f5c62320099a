"""Image sets by name or folder."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from .._checks import check_choice, check_integer
from .._places import data_dirs, expand, is_folder, shown
from .._random import as_generator
from ..errors import InvalidInputError
from ..typing import AnyPath, Seed
from .cifar import CIFAR10, CIFAR100, CifarFiles, cifar_images
from .image_set import SPLITS, ImageSet

LARGEST_SIZE = 4096
"""Images brought to a larger side would not fit into any memory."""


def load_images(
    images: AnyPath,
    *,
    split: str = "train",
    image_size: int | None = None,
    limit: int | None = None,
    seed: Seed = 0,
    data_dir: AnyPath | None = None,
) -> ImageSet:
    """Return a set of images with classes.

    Args:
        images: A name of :data:`IMAGES` (``random``, ``digits``, ``cifar10``, ``cifar100``,
            ``imagenet16-120``), or a folder with ``train`` and ``test``, in each of them a
            sub-folder per class; one with sub-folders of classes alone is for training. A
            ``Path`` is always a folder.
        split: ``train`` or ``test``.
        image_size: Height and width to which the images are brought, at most 4096; None leaves
            them.
        limit: At most so many images, drawn at random; None is all.
        seed: Seed or generator of noise and draws.
        data_dir: Where official files lie; None is ``$SURROBUST_DATA``, then the per-user cache.

    Raises:
        InvalidInputError: If the name, the folder, a file or an option is not what was expected.
        MissingMeasurementError: If official files are not there.
        ChecksumError: If an official archive is not the published one.
    """
    check_choice("split", split, SPLITS)
    if image_size is not None:
        check_integer("image_size", image_size, minimum=1, maximum=LARGEST_SIZE)
    if limit is not None:
        check_integer("limit", limit, minimum=1)
    if isinstance(images, str) and images in IMAGES:
        options = {"split": split, "image_size": image_size, "seed": seed, "data_dir": data_dir}
        return _draw(IMAGES[images](**options), limit, seed)
    folder = expand(images)
    if not is_folder(folder):
        known = ", ".join(IMAGES)
        got = shown(images)
        msg = f"images: expected one of {known} or a folder of images by class, got {got}"
        raise InvalidInputError(msg)
    from .folder import folder_images

    return folder_images(
        folder,
        split=split,
        image_size=image_size,
        limit=limit,
        seed=seed,
        name=image_set_name(images),
    )


def image_set_name(images: AnyPath) -> str:
    """Return what a set is called in records: its name, or that of its folder.

    A folder that is named like a set of :data:`IMAGES` is called ``<name>-folder``, for what is
    known of that set is not known of it.
    """
    if isinstance(images, str) and images in IMAGES:
        return images
    # With "." and ".." resolved, but not links, whose own names were chosen by somebody.
    name = Path(os.path.abspath(expand(images))).name or "images"  # noqa: PTH100
    return f"{name}-folder" if name in IMAGES else name


def _random(*, split: str, image_size: int | None, seed: Seed, data_dir: Any) -> ImageSet:
    from .image_set import random_images

    del data_dir
    return random_images(split=split, image_size=image_size, seed=seed)


def _digits(*, split: str, image_size: int | None, seed: Seed, data_dir: Any) -> ImageSet:
    from .image_set import digits

    del seed, data_dir
    return digits(split=split, image_size=image_size)


def _cifar(files: CifarFiles) -> Callable[..., ImageSet]:
    def load(*, split: str, image_size: int | None, seed: Seed, data_dir: Any) -> ImageSet:
        from .image_set import resize

        del seed
        images = cifar_images(files, list(data_dirs(data_dir)), split=split)
        if image_size is None:
            return images
        x = resize(images.x, image_size)
        return ImageSet(images.name, split, x, images.y, images.classes)

    return load


def _imagenet16(*, split: str, image_size: int | None, seed: Seed, data_dir: Any) -> ImageSet:
    from .image_set import resize
    from .imagenet16 import imagenet16_images

    del seed
    images = imagenet16_images(list(data_dirs(data_dir)), split=split)
    x = images.x if image_size is None else resize(images.x, image_size)
    return ImageSet(images.name, split, x, images.y, images.classes)


IMAGES: Mapping[str, Callable[..., ImageSet]] = MappingProxyType(
    {
        "random": _random,
        "digits": _digits,
        "cifar10": _cifar(CIFAR10),
        "cifar100": _cifar(CIFAR100),
        "imagenet16-120": _imagenet16,
    }
)
"""Every named set."""


def _draw(images: ImageSet, limit: int | None, seed: Seed) -> ImageSet:
    if limit is None or limit >= len(images):
        return images
    # The beginning of one permutation: a smaller limit takes some of what a larger one takes.
    chosen = np.sort(as_generator(seed).permutation(len(images))[:limit])
    return ImageSet(images.name, images.split, images.x[chosen], images.y[chosen], images.classes)

"""CIFAR's official files, the binary version.

Krizhevsky, "Learning multiple layers of features from tiny images" (2009). The version for Python
is a pickle and is not read.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InvalidInputError, MissingMeasurementError
from .image_set import ImageSet

_PIXELS = 3 * 32 * 32


@dataclass(frozen=True)
class CifarFiles:
    """Where a set's images and labels stand.

    Args:
        name: ``cifar10`` or ``cifar100``.
        folder: The folder that the published archive unpacks to.
        files: File names by split.
        label_bytes: Bytes before each image; the last one is the class.
        names: The file with the class names, one a line.
        rows: Images in each file, by split.
    """

    name: str
    folder: str
    files: dict[str, tuple[str, ...]]
    label_bytes: int
    names: str
    rows: dict[str, int]


CIFAR10 = CifarFiles(
    "cifar10",
    "cifar-10-batches-bin",
    {
        "train": tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
        "test": ("test_batch.bin",),
    },
    1,
    "batches.meta.txt",
    {"train": 10_000, "test": 10_000},
)
CIFAR100 = CifarFiles(
    "cifar100",
    "cifar-100-binary",
    {"train": ("train.bin",), "test": ("test.bin",)},
    2,
    "fine_label_names.txt",
    {"train": 50_000, "test": 10_000},
)


def cifar_images(files: CifarFiles, folders: list[Path], *, split: str) -> ImageSet:
    """Return one split of CIFAR-10 or CIFAR-100.

    Args:
        files: Which.
        folders: Where to look, each with or without the published folder.
        split: ``train`` (50 000 images) or ``test`` (10 000).

    Raises:
        MissingMeasurementError: If the files are in none of the folders.
        InvalidInputError: If a file has not the published size, or a label is not a class.
    """
    place = _find(files, folders)
    names = (place / files.names).read_text(encoding="utf-8").split()
    parts = [_read(files, place / name, files.rows[split]) for name in files.files[split]]
    rows = np.concatenate(parts)
    y = rows[:, files.label_bytes - 1].astype(np.int64)
    if int(y.max()) >= len(names):
        msg = f"{place}: expected labels 0 to {len(names) - 1}, got {int(y.max())}"
        raise InvalidInputError(msg)
    x = np.ascontiguousarray(rows[:, files.label_bytes :].reshape(-1, 3, 32, 32))
    return ImageSet(files.name, split, x, y, tuple(names))


def _find(files: CifarFiles, folders: list[Path]) -> Path:
    for folder in folders:
        for place in (folder / files.folder, folder):
            if (place / files.names).is_file() and (place / files.files["train"][0]).is_file():
                return place
    looked = ", ".join(str(folder) for folder in folders)
    msg = (
        f"{files.name}: expected the folder {files.folder} of the binary version of the official "
        f"archive, found in none of {looked}; unpack it there or give a folder of images by class"
    )
    raise MissingMeasurementError(msg)


def _read(files: CifarFiles, path: Path, rows: int) -> np.ndarray:
    if not path.is_file():
        msg = f"{path}: expected a file of the official archive, got none"
        raise MissingMeasurementError(msg)
    width = files.label_bytes + _PIXELS
    size = path.stat().st_size
    if size != rows * width:
        msg = f"{path}: expected {rows * width} bytes ({rows} images), got {size}"
        raise InvalidInputError(msg)
    return np.fromfile(path, dtype=np.uint8).reshape(rows, width)

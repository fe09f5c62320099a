"""CIFAR's official files, the binary version.

Krizhevsky, "Learning multiple layers of features from tiny images" (2009). The version for Python
is a pickle and is not read.
"""

import hashlib
import io
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .._files import decode
from .._sources import cifar_sums, list_archives, locate_in, read_verified
from ..errors import ChecksumError, InvalidInputError, MissingMeasurementError
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
        classes: How many there are.
    """

    name: str
    folder: str
    files: dict[str, tuple[str, ...]]
    label_bytes: int
    names: str
    rows: dict[str, int]
    classes: int

    @property
    def width(self) -> int:
        """Bytes of an image with its labels."""
        return self.label_bytes + _PIXELS


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
    10,
)
CIFAR100 = CifarFiles(
    "cifar100",
    "cifar-100-binary",
    {"train": ("train.bin",), "test": ("test.bin",)},
    2,
    "fine_label_names.txt",
    {"train": 50_000, "test": 10_000},
    100,
)


def cifar_images(files: CifarFiles, folders: list[Path], *, split: str) -> ImageSet:
    """Return one split of CIFAR-10 or CIFAR-100, from the archive or from what it unpacks to.

    Args:
        files: Which.
        folders: Where to look.
        split: ``train`` (50 000 images) or ``test`` (10 000).

    Raises:
        MissingMeasurementError: If the files are in none of the folders.
        ChecksumError: If the archive or a file is not the published one.
        InvalidInputError: If a file has not the published size, or the classes are not named.
    """
    place, contents = _read(files, folders, [files.names, *files.files[split]])
    names = decode(contents[files.names], name=str(place / files.names)).split()
    if len(names) != files.classes:
        msg = f"{place / files.names}: expected {files.classes} names, got {len(names)}"
        raise InvalidInputError(msg)
    parts = [
        _rows(files, place / name, contents[name], files.rows[split]) for name in files.files[split]
    ]
    rows = np.concatenate(parts)
    # CIFAR-100 has the coarse class before the fine one.
    y = rows[:, files.label_bytes - 1].astype(np.int64)
    # A row is three planes, red, green and blue, of 32 lines each.
    x = np.ascontiguousarray(rows[:, files.label_bytes :].reshape(-1, 3, 32, 32))
    return ImageSet(files.name, split, x, y, tuple(names))


def _read(
    files: CifarFiles, folders: list[Path], wanted: list[str]
) -> tuple[Path, dict[str, bytes]]:
    """Return where the files were found, and the contents of those wanted."""
    (archive,) = (source for source in list_archives() if files.name in source.used_by)
    for folder in folders:
        for place in (folder / files.folder, folder):
            if (place / files.names).is_file() and (place / files.files["train"][0]).is_file():
                return place, _read_folder(place, wanted, max(files.rows.values()) * files.width)
        if found := locate_in(archive, folder):
            return found, _read_archive(read_verified(archive, found), files.folder, wanted)
    looked = ", ".join(str(folder) for folder in folders)
    msg = (
        f"{files.name}: expected {archive.name} or the folder {files.folder} in {looked}, got "
        f"neither: run surrobust data fetch {files.name}, or give a folder of images by class"
    )
    raise MissingMeasurementError(msg)


def _read_folder(place: Path, wanted: list[str], most: int) -> dict[str, bytes]:
    contents = {}
    for name in wanted:
        if not (place / name).is_file():
            msg = f"{place / name}: expected a file of the official archive, got none"
            raise MissingMeasurementError(msg)
        with (place / name).open("rb") as file:
            # One byte more tells that a file is too long, whatever its size.
            contents[name] = file.read(most + 1)
    return contents


def _read_archive(content: bytes, folder: str, wanted: list[str]) -> dict[str, bytes]:
    """Return files of a verified archive; nothing is unpacked to disk."""
    names = {f"{folder}/{name}": name for name in wanted}
    found = {}
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        for member in archive:
            if member.name in names and (file := archive.extractfile(member)) is not None:
                found[names[member.name]] = file.read()
    return found


def _rows(files: CifarFiles, path: Path, content: bytes, rows: int) -> npt.NDArray[np.uint8]:
    if len(content) != rows * files.width:
        msg = f"{path}: expected {rows * files.width} bytes ({rows} images), got {len(content)}"
        raise InvalidInputError(msg)
    found = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    if found != cifar_sums(files.name)[path.name]:
        msg = (
            f"{path}: expected sha1 {cifar_sums(files.name)[path.name]}, got {found} (images of "
            "one's own are given as a folder of images by class)"
        )
        raise ChecksumError(msg)
    return np.frombuffer(content, dtype=np.uint8).reshape(rows, files.width)

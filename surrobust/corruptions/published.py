"""The published CIFAR-10-C and CIFAR-100-C."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from .._checks import check_choice
from ..errors import InvalidInputError
from ..typing import AnyPath
from .corrupting import CORRUPTIONS, SEVERITIES


def load_published(
    folder: AnyPath, name: str, severity: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Return the published images of a corruption at a severity, with their classes.

    Reads ``<folder>/<name>.npy``, 50000 x 32 x 32 x 3 bytes, severity after severity, and
    ``<folder>/labels.npy``; only the part asked for is read.

    Args:
        folder: Where the unpacked archive lies.
        name: One of :data:`~surrobust.corruptions.CORRUPTIONS`.
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

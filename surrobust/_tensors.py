"""Arrays to bytes and back, by safetensors, with every doubt about the bytes in one line."""

from collections.abc import Mapping

import numpy as np

from .errors import InvalidModelError

# Bridge: for those who take arrays one by one; ``_parts`` declares them.
LARGEST = 1e12
LARGEST_VALUE = 1e20


def pack_tensors(tensors: Mapping[str, np.ndarray]) -> bytes:
    """Return arrays as the bytes of a safetensors file."""
    from safetensors.numpy import save

    # Not by ``ascontiguousarray``, which gives a single number an axis.
    return save({name: np.asarray(array, order="C") for name, array in tensors.items()})


def unpack_tensors(content: bytes, *, name: str) -> dict[str, np.ndarray]:
    """Return the arrays of a safetensors file.

    Raises:
        InvalidModelError: If it is not one; the message begins with the file's ``name``.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        tensors: dict[str, np.ndarray] = load(content)
    except (SafetensorError, ValueError, TypeError, LookupError, AttributeError) as error:
        text = " ".join(str(error).split())
        msg = f"{name}: expected a safetensors file, got: {text}"
        raise InvalidModelError(msg) from None
    return tensors


def take_tensor(
    tensors: Mapping[str, np.ndarray],
    key: str,
    *,
    dtype: str,
    shape: tuple[int | None, ...],
    most: float = LARGEST,
) -> np.ndarray:
    """Return one array, read-only, after a look at its type, shape and size.

    Args:
        tensors: All arrays.
        key: The name of the one.
        dtype: Its type.
        shape: Its shape; None is any length.
        most: How large floating-point numbers in it may be, up or down; they must be finite.

    Raises:
        InvalidModelError: If it is missing or another.
    """
    array = tensors.get(key)
    if array is None or array.dtype != np.dtype(dtype) or array.ndim != len(shape):
        got = "none" if array is None else f"{array.dtype} of shape {array.shape}"
    elif any(size not in (None, n) for size, n in zip(shape, array.shape, strict=True)):
        got = f"shape {array.shape}"
    else:
        _check_size(array, key, most)
        return array
    wanted = ", ".join("any" if size is None else str(size) for size in shape)
    msg = f"weights: expected {key} as {dtype} of shape ({wanted}), got {got}"
    raise InvalidModelError(msg)


def _check_size(array: np.ndarray, key: str, most: float) -> None:
    """Refuse floating-point numbers that are not finite or larger than ``most``, up or down."""
    if array.dtype.kind != "f" or not array.size:
        return
    largest = np.maximum(array.max(), -array.min())  # NaN if any is
    # Not "larger than", for NaN is refused by this as well.
    if not largest <= most:
        got = f"{largest:.3g}" if np.isfinite(largest) else "some that are not finite"
        msg = f"weights: expected finite numbers up to {most:g} in {key}, got {got}"
        raise InvalidModelError(msg)

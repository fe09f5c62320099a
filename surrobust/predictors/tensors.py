"""Arrays to bytes and back, by safetensors, with every doubt about the bytes in one line."""

from collections.abc import Mapping

import numpy as np

from ..errors import InvalidModelError


def pack_tensors(tensors: Mapping[str, np.ndarray]) -> bytes:
    """Return arrays as the bytes of a safetensors file."""
    from safetensors.numpy import save

    return save({name: np.ascontiguousarray(array) for name, array in tensors.items()})


def unpack_tensors(content: bytes, *, name: str) -> dict[str, np.ndarray]:
    """Return the arrays of a safetensors file.

    Raises:
        InvalidModelError: If it is not one, or an array holds numbers that are not finite; the
            message begins with the file's ``name``.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        tensors = load(content)
    except (SafetensorError, ValueError, TypeError, KeyError, AttributeError) as error:
        text = " ".join(str(error).split())
        msg = f"{name}: expected a safetensors file, got: {text}"
        raise InvalidModelError(msg) from None
    for key, array in tensors.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            msg = f"{name}: expected finite numbers in {key}, got some that are not"
            raise InvalidModelError(msg)
    return {key: array.copy() for key, array in tensors.items()}


def take_tensor(
    tensors: Mapping[str, np.ndarray], key: str, *, dtype: str, shape: tuple[int | None, ...]
) -> np.ndarray:
    """Return one array after a look at its type and shape; None is any length.

    Raises:
        InvalidModelError: If it is missing or another.
    """
    array = tensors.get(key)
    if array is None or array.dtype != np.dtype(dtype) or array.ndim != len(shape):
        got = "none" if array is None else f"{array.dtype} of shape {array.shape}"
    elif any(size not in (None, n) for size, n in zip(shape, array.shape, strict=True)):
        got = f"shape {array.shape}"
    else:
        return array
    wanted = ", ".join("any" if size is None else str(size) for size in shape)
    msg = f"weights: expected {key} as {dtype} of shape ({wanted}), got {got}"
    raise InvalidModelError(msg)

"""Arrays to bytes and back, by safetensors, with every doubt about the bytes in one line."""

from collections.abc import Mapping

import numpy as np

from .errors import InvalidModelError


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

"""The columns of a predictor as a file of its folder."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from .._checks import brief
from .._files import parse_json
from ..encodings import Columns
from ..errors import InvalidInputError, InvalidModelError
from .tensors import pack_tensors, take_tensor, unpack_tensors

FILE = "columns.safetensors"


def pack_columns(columns: Columns) -> bytes:
    """Return columns as a safetensors file, what is unknown as a mask."""
    known = ~np.isnan(columns.numbers)
    names = np.frombuffer(json.dumps(columns.names).encode(), dtype=np.uint8)
    return pack_tensors(
        {
            "names": names,
            "widths": np.array(columns.widths, dtype=np.int64),
            "numbers": np.where(known, columns.numbers, 0.0),
            "known": known,
        }
    )


def unpack_columns(content: bytes, reference: Any) -> Columns:
    """Read columns.

    Args:
        content: What :func:`pack_columns` gave.
        reference: What the card says of them.

    Raises:
        InvalidModelError: If they are damaged or not those of the reference.
    """
    tensors = unpack_tensors(content, name=FILE)
    text = take_tensor(tensors, "names", dtype="uint8", shape=(None,)).tobytes()
    widths = take_tensor(tensors, "widths", dtype="int64", shape=(None,))
    most = np.finfo(np.float64).max  # of the user's numbers only the order counts
    numbers = take_tensor(tensors, "numbers", dtype="float64", shape=(None, None), most=most)
    known = take_tensor(tensors, "known", dtype="bool", shape=numbers.shape)
    try:
        names = tuple(map(str, parse_json(text.decode(), name=FILE)))
        columns = Columns(names, np.where(known, numbers, np.nan), tuple(widths.tolist()))
    except (ValueError, TypeError, InvalidInputError) as error:
        msg = f"{FILE}: expected columns, got: {error}"
        raise InvalidModelError(msg) from None
    if not isinstance(reference, Mapping) or dict(reference) != columns.reference:
        msg = f"card.json: expected the columns that the weights hold, got {brief(reference)}"
        raise InvalidModelError(msg)
    return columns

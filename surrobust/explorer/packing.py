"""Arrays as text: typed arrays in base64, little-endian, columns of values in 16 bits."""

import base64
from typing import Any

import numpy as np

from ..typing import FloatArray

MISSING = 65535
"""The level of a value that is not there."""


def pack(array: Any, kind: str) -> str:
    """Return an array as base64.

    Args:
        array: Numbers, in the range of ``kind``.
        kind: A little-endian numpy type such as ``<u2``.
    """
    return base64.b64encode(np.asarray(array).astype(kind).tobytes()).decode()


def pack_column(values: FloatArray) -> dict[str, Any]:
    """Return values as levels between their least and their largest one.

    A value comes back with an error of at most the range over 131068.

    Args:
        values: ``(n,)``; NaN where there is none.
    """
    there = values[np.isfinite(values)]
    low, high = (float(there.min()), float(there.max())) if len(there) else (0.0, 0.0)
    span = high - low or 1.0
    shares = np.nan_to_num((values - low) / span, nan=0.0)
    levels = np.where(np.isfinite(values), np.round(shares * (MISSING - 1)), MISSING)
    return {"low": low, "high": low + span, "data": pack(levels, "<u2")}

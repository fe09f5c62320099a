"""Targets in units of their own spread."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ..errors import InvalidModelError
from ..typing import FloatArray
from .tensors import LARGEST_VALUE, pack_tensors, take_tensor, unpack_tensors

FILE = "scaler.safetensors"


@dataclass(frozen=True)
class Scaler:
    """Mean and spread of each target, both ``(m,)``; a constant target has spread 1."""

    mean: FloatArray
    spread: FloatArray

    @classmethod
    def of(cls, Y: FloatArray) -> Self:
        """Return the scaler of values ``(n, m)``."""
        spread = Y.std(axis=0)
        # A constant column may have a spread of rounding errors.
        is_constant = np.ptp(Y, axis=0) == 0
        return cls(Y.mean(axis=0), np.where(is_constant | (spread == 0), 1.0, spread))

    def to_units(self, Y: FloatArray) -> FloatArray:
        """Return values centred and in units of the spread, shape ``(..., m)``."""
        return (Y - self.mean) / self.spread

    def from_units(self, Z: FloatArray) -> FloatArray:
        """Return the values that ``to_units`` took to ``Z``."""
        return Z * self.spread + self.mean

    def pack(self) -> bytes:
        """Return the scaler as a safetensors file."""
        return pack_tensors({"mean": self.mean, "spread": self.spread})

    @classmethod
    def unpack(cls, content: bytes, n_targets: int) -> Self:
        """Read a scaler.

        Raises:
            InvalidModelError: If it is damaged or not of ``n_targets`` columns.
        """
        tensors = unpack_tensors(content, name=FILE)
        wanted: dict[str, Any] = {"dtype": "float64", "most": LARGEST_VALUE}
        mean = take_tensor(tensors, "mean", shape=(n_targets,), **wanted)
        spread = take_tensor(tensors, "spread", shape=(n_targets,), **wanted)
        if (spread <= 0).any():
            msg = f"{FILE}: expected positive spreads, got others"
            raise InvalidModelError(msg)
        return cls(mean, spread)

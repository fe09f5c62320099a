"""Features for predictors: encoders by name, side by side."""

from collections.abc import Hashable, Sequence

import numpy as np

from .._checks import check_choice
from ..encodings import ENCODINGS
from ..spaces import Architecture
from ..typing import FloatArray


class Features:
    """One encoder or several side by side, joined by ``+`` in the name.

    Args:
        name: For instance ``features`` or ``features+one_hot``.

    Raises:
        InvalidInputError: If one is not in ``ENCODINGS``.
    """

    def __init__(self, name: str) -> None:
        parts = name.split("+") if isinstance(name, str) else [name]
        self.encoders = [ENCODINGS[check_choice("encoder", part, ENCODINGS)]() for part in parts]

    @property
    def size(self) -> int:
        """The number of columns."""
        return sum(len(encoder.names) for encoder in self.encoders)

    def encode(self, cells: Sequence[Architecture]) -> FloatArray:
        """Return one row per cell, shape ``(n, size)``."""
        return np.concatenate([encoder.encode(cells) for encoder in self.encoders], axis=1)

    def key(self, cell: Architecture) -> Hashable:
        """Return what a row depends on."""
        keys = tuple(encoder.key(cell) for encoder in self.encoders)
        return cell.ops if cell.ops in keys else keys

"""Features for predictors: encoders by name, side by side, and columns known beforehand."""

from collections.abc import Hashable, Sequence

import numpy as np

from .._checks import brief, check_choice
from ..errors import InvalidInputError
from ..spaces import Architecture
from ..typing import FloatArray
from . import ENCODINGS, Columns

# Chosen on design targets, splits 100 to 103 (experiments/columns).
_SOURCE_WEIGHT = 0.1


class Features:
    """One encoder or several side by side, joined by ``+`` in the name.

    Args:
        name: For instance ``features`` or ``features+one_hot``.
        columns: Numbers that stand behind those of the encoders, or None.

    Raises:
        InvalidInputError: If an encoder is not in ``ENCODINGS`` or there twice, or ``columns`` are
            no columns.
    """

    def __init__(self, name: str, columns: Columns | None = None) -> None:
        if not isinstance(columns, Columns | None):
            msg = f"columns: expected Columns or None, got {brief(columns)}"
            raise InvalidInputError(msg)
        self.columns = columns
        parts = name.split("+") if isinstance(name, str) else [name]
        if len(set(parts)) < len(parts):
            msg = f"encoder: expected each name once, got {brief(name)}"
            raise InvalidInputError(msg)
        self.encoders = [ENCODINGS[check_choice("encoder", part, ENCODINGS)]() for part in parts]
        self.names = tuple(parts)

    @property
    def encoder_size(self) -> int:
        """The number of columns that the encoders make."""
        return sum(len(encoder.names) for encoder in self.encoders)

    @property
    def size(self) -> int:
        """The number of columns in all."""
        return self.encoder_size + (0 if self.columns is None else self.columns.size)

    @property
    def weights(self) -> np.ndarray | None:
        """How readily trees should look at each column, ``(size,)`` float32; None for all alike.

        A source of columns, however few it has, weighs a tenth of all that the encoders make.
        """
        if self.columns is None:
            return None
        weights = np.ones(self.size, dtype=np.float32)
        for part in self.columns.slices:
            # A view: what is written to it stands in weights.
            own = weights[self.encoder_size :][part]
            own[:] = _SOURCE_WEIGHT * self.encoder_size / len(own)
        return weights

    def encode(self, cells: Sequence[Architecture]) -> FloatArray:
        """Return one row per cell, shape ``(n, size)``."""
        parts = [encoder.encode(cells) for encoder in self.encoders]
        if self.columns is not None:
            parts.append(self.columns.encode(cells))
        return np.concatenate(parts, axis=1)

    def key(self, cell: Architecture) -> Hashable:
        """Return what a row depends on."""
        keys: tuple[Hashable, ...] = tuple(encoder.key(cell) for encoder in self.encoders)
        # An encoder that tells all cells apart leaves the others nothing to tell.
        if cell.ops in keys:
            return cell.ops
        # Twins were scored and trained apart: numbers known beforehand may differ.
        return keys if self.columns is None else (*keys, cell.representative.ops)

    def merge(
        self, cells: Sequence[Architecture], scores: FloatArray
    ) -> tuple[list[Architecture], FloatArray, FloatArray]:
        """Return one cell for each row that differs, its mean scores, how many it stands for.

        Args:
            cells: Cells, ``(n,)``; there may be none.
            scores: Their scores, ``(n, m)``.
        """
        firsts: dict[Hashable, Architecture] = {}
        for cell in cells:
            firsts.setdefault(self.key(cell), cell)
        place = {key: i for i, key in enumerate(firsts)}
        row = np.array([place[self.key(cell)] for cell in cells], dtype=np.int64)
        repeats = np.bincount(row, minlength=len(firsts)).astype(np.float64)
        sums = np.zeros((len(firsts), scores.shape[1]))
        np.add.at(sums, row, scores)
        return list(firsts.values()), sums / repeats[:, None], repeats

"""The cell as it is written: which op each edge carries."""

from collections.abc import Sequence

import numpy as np

from ..spaces import EDGES, OPS, Architecture
from ..typing import FloatArray
from .base import AbstractEncoder


class OneHotEncoder(AbstractEncoder):
    """One column per edge and op, 30 in all; cells that compute the same differ."""

    @property
    def names(self) -> tuple[str, ...]:
        """``0->1 none`` and so on: edges in the order of a code, ops in the order of its digits."""
        return tuple(f"{a}->{b} {op}" for a, b in EDGES for op in OPS)

    def encode(self, architectures: Sequence[Architecture]) -> FloatArray:
        """Return zeros and ones, shape ``(n, 30)``."""
        ops = np.array([cell.ops for cell in architectures], dtype=np.int64).reshape(-1, len(EDGES))
        return np.eye(len(OPS))[ops].reshape(len(ops), len(EDGES) * len(OPS))

    def key(self, architecture: Architecture) -> tuple[int, ...]:
        """Return the ops."""
        return architecture.ops

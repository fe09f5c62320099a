"""What every encoder offers to predictors."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence

from ..spaces import Architecture
from ..typing import FloatArray


class AbstractEncoder(ABC):
    """Architectures to rows of numbers; the same architecture always gets the same row."""

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """What each column is, shape ``(d,)``."""

    @abstractmethod
    def encode(self, architectures: Sequence[Architecture]) -> FloatArray:
        """Return one row per architecture, shape ``(n, d)``, float64."""

    @abstractmethod
    def key(self, architecture: Architecture) -> Hashable:
        """Return what the row depends on: architectures of equal keys have equal rows."""

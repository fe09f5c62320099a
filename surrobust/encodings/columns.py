"""Columns: numbers that are known of cells beforehand, beside what an encoder makes of them.

Proxy scores, clean accuracies, anything by architecture. Whoever fits a predictor brings them, as
numbers; neither the predictor nor this module knows where they are from.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .._checks import brief
from .._parts import tensor
from ..errors import InvalidInputError
from ..metrics import normal_scores
from ..spaces import Architecture, NASBench201, representative_indices, representatives_by_index
from ..typing import FloatArray, IntArray

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Columns:
    """Named numbers of architectures, one row per representative, of p sources.

    Args:
        names: What each column is, ``(d,)``, each once.
        numbers: Ordered by the representatives' indices, ``(6466, d)`` float64, in any units; NaN
            where unknown.
        widths: How many columns each source has, one after the other, ``(p,)``; default: one
            source. A predictor trusts or distrusts the columns of a source together.

    Raises:
        InvalidInputError: If names and numbers do not fit, a number is infinite, or a column has
            not two different numbers.
    """

    names: tuple[str, ...]
    # Of anybody's numbers only the order counts, so that they may be as large as they like.
    numbers: FloatArray = tensor("float64", "6466 _columns", most=np.inf, may_be_nan=True)
    widths: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", self.widths or (len(self.names),))
        shape = (len(representative_indices()), len(self.names))
        if self.numbers.shape != shape:
            raise _error(f"numbers of shape {shape}", str(self.numbers.shape))
        if not self.names or not all(isinstance(name, str) and name for name in self.names):
            raise _error("a name for each, and at least one", brief(list(self.names)))
        if len(set(self.names)) != len(self.names):
            raise _error("each name once", brief(list(self.names)))
        if sum(self.widths) != len(self.names) or min(self.widths) < 1:
            raise _error(f"widths that sum to {len(self.names)}", brief(list(self.widths)))
        for name, column in zip(self.names, self.numbers.T, strict=True):
            if np.isinf(column).any():
                raise _error("finite numbers, NaN where unknown", f"infinite {brief(name)}")
            known = column[~np.isnan(column)]
            if not len(known) or np.ptp(known) == 0:
                raise _error("numbers that vary", f"{len(known)} known {brief(name)} that do not")
        self.numbers.setflags(write=False)

    @classmethod
    def of(
        cls, names: Iterable[str], numbers: Any, architectures: Iterable[Any] | None = None
    ) -> Self:
        """Take numbers of any architectures.

        Isomorphic cells, which benchmarks trained once, share the mean of what is known of them.

        Args:
            names: What each column is, ``(d,)``.
            numbers: NaN where unknown, ``(n, d)``, or ``(n,)`` for one column.
            architectures: Whose, n in any form that ``Architecture.parse`` takes. Default: all
                15625 by index.

        Raises:
            InvalidInputError: If names, numbers and architectures do not fit together.
        """
        names = (names,) if isinstance(names, str) else tuple(names)
        given = NASBench201() if architectures is None else map(Architecture.parse, architectures)
        rows = _rows_of([cell.index for cell in given])
        try:
            array = np.asarray(numbers, dtype=np.float64).reshape(len(rows), len(names))
        except (TypeError, ValueError):
            expected = f"numbers of shape ({len(rows)}, {len(names)})"
            raise _error(expected, str(np.shape(numbers))) from None
        known = ~np.isnan(array)
        sums = np.zeros((len(representative_indices()), len(names)))
        counts = np.zeros_like(sums)
        # add.at, as isomorphic cells share a row and += would count one of them.
        np.add.at(sums, rows, np.where(known, array, 0.0))
        np.add.at(counts, rows, known)
        return cls(names, np.where(counts > 0, sums / np.maximum(counts, 1), np.nan))

    @classmethod
    def from_frame(cls, frame: "pd.DataFrame") -> Self:
        """Take a DataFrame whose index holds architectures, as indices or in another form.

        Raises:
            InvalidInputError: If names or numbers are not possible.
            InvalidArchitectureError: If the index holds anything else.
        """
        return cls.of([str(name) for name in frame.columns], frame.to_numpy(), list(frame.index))

    def beside(self, other: "Columns") -> "Columns":
        """Return the columns of both, sources apart.

        Raises:
            InvalidInputError: If they share a name.
        """
        numbers = np.concatenate([self.numbers, other.numbers], axis=1)
        return Columns(self.names + other.names, numbers, self.widths + other.widths)

    @property
    def size(self) -> int:
        """How many columns :meth:`encode` returns."""
        return len(self.names) + len(self.widths)

    @property
    def slices(self) -> tuple[slice, ...]:
        """Where each source is in what :meth:`encode` returns."""
        ends = np.cumsum([0, *(width + 1 for width in self.widths)])
        return tuple(slice(int(a), int(b)) for a, b in pairwise(ends))

    def encode(self, architectures: Sequence[Architecture]) -> FloatArray:
        """Return scores of architectures, ``(n, d + p)``, finite everywhere.

        Proxy scores have wild tails and units of no meaning, so only the order is kept: a score is
        the normal score of a number's rank among the known ones, of standard deviation 1, and 0,
        the median, where unknown. Behind those of each source is the share that is unknown.
        """
        return self._table[_rows_of([cell.index for cell in architectures])]

    @cached_property
    def _table(self) -> FloatArray:
        scores, unknown = _known_scores(self.numbers), np.isnan(self.numbers)
        parts, start = [], 0
        for width in self.widths:
            own = slice(start, start + width)
            parts += [scores[:, own], unknown[:, own].mean(axis=1, keepdims=True)]
            start += width
        return np.concatenate(parts, axis=1)

    @cached_property
    def sha256(self) -> str:
        """The checksum of names, widths and numbers."""
        text = json.dumps([self.names, self.widths]).encode()
        # NaN has many bit patterns and a machine either byte order: equal columns, equal checksums.
        numbers = np.where(np.isnan(self.numbers), np.nan, self.numbers).astype("<f8")
        return hashlib.sha256(text + numbers.tobytes()).hexdigest()

    @property
    def reference(self) -> dict[str, Any]:
        """The names and the checksum, by which a card refers to the columns."""
        return {"names": list(self.names), "sha256": self.sha256}


def _rows_of(indices: Sequence[int]) -> IntArray:
    """Return the rows, among those of the representatives, of architecture indices."""
    representatives = np.array(representatives_by_index())[np.asarray(indices, dtype=np.int64)]
    return np.searchsorted(representative_indices(), representatives)


def _known_scores(numbers: FloatArray) -> FloatArray:
    """Return the normal scores of ranks among the known, column by column; 0 where unknown."""
    scores = np.zeros(numbers.shape)
    for column, values in enumerate(numbers.T):
        known = np.flatnonzero(~np.isnan(values))
        normal = normal_scores(values[known])
        scores[known, column] = (normal - normal.mean()) / normal.std()
    return scores


def _error(expected: str, got: str) -> InvalidInputError:
    return InvalidInputError(f"columns: expected {expected}, got {got}")

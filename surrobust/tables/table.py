"""The measurement table: what one benchmark measured, by architecture and target."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from .._checks import brief, listed
from ..errors import InvalidInputError, MissingMeasurementError
from ..spaces import Architecture, NASBench201, representative_indices, representatives_by_index
from ..targets import Target, targets_of
from ..typing import FloatArray

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class TableReader:
    """How one published source becomes the values of a table.

    Args:
        read: From the verified bytes of its files, by file name, to the values ``(n, m)`` of a
            :class:`MeasurementTable`.
        per_cell: Whether all 15625 cells were measured on their own.
    """

    read: Callable[[Mapping[str, bytes]], FloatArray]
    per_cell: bool = False


class MeasurementTable:
    """What one benchmark measured.

    Args:
        name: The benchmark, one of ``BENCHMARKS``, or ``records``.
        values: Float array ``(n, m)``: one row per architecture by ascending index, one column
            per target in the order of ``targets_of(name)``. Accuracies are fractions in [0, 1],
            latencies are in ms and energies in mJ. NaN where nothing was measured.
        per_cell: Whether all 15625 cells were measured on their own; otherwise the rows are the
            6466 representatives, and a cell is looked up through its representative.
        targets: The target of each column; None is those of the benchmark.
        complete: Whether every accuracy was measured.
        citation: The works that measured it.
        checksums: The sha256 of each file it was read from, by file name.

    Attributes:
        targets: The target keys, in the order of the columns.

    Raises:
        InvalidInputError: If the shape is another, or a value is not what the target allows.
    """

    def __init__(
        self,
        name: str,
        values: FloatArray,
        *,
        per_cell: bool = False,
        targets: Sequence[str] | None = None,
        complete: bool = True,
        citation: str = "",
        checksums: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.targets = targets_of(name) if targets is None else tuple(targets)
        self.complete = complete
        self.per_cell = per_cell
        self.citation = citation
        self.checksums: Mapping[str, str] = MappingProxyType(dict(checksums or {}))
        self._indices = range(len(NASBench201())) if per_cell else representative_indices()
        self._rows = {index: row for row, index in enumerate(self._indices)}
        self._columns = {target: column for column, target in enumerate(self.targets)}
        self._values = self._checked(values)

    def _checked(self, values: FloatArray) -> FloatArray:
        array = np.array(values, dtype=np.float64)
        shape = (len(self._indices), len(self.targets))
        if array.shape != shape:
            msg = f"{self.name}: expected values of shape {shape}, got {array.shape}"
            raise InvalidInputError(msg)
        for target, column in self._columns.items():
            _check_column(target, array[:, column], self._indices, complete=self.complete)
        array.setflags(write=False)
        return array

    @cached_property
    def architectures(self) -> tuple[Architecture, ...]:
        """The architectures of the rows, by ascending index."""
        space = NASBench201()
        return tuple(space[index] for index in self._indices)

    def query(self, cell: Any, target: str | Target) -> float:
        """Return one measured value.

        Args:
            cell: Anything that :meth:`Architecture.parse` takes.
            target: A target key of this table.

        Raises:
            InvalidArchitectureError: If ``cell`` is not an architecture.
            MissingMeasurementError: If the table has no such target, or no value there.
        """
        column = self._column(target)
        index = Architecture.parse(cell).index
        row = self._rows[index if self.per_cell else representatives_by_index()[index]]
        value = float(self._values[row, column])
        if np.isnan(value):
            msg = f"{target}: expected a measured value of architecture {index}, got none"
            raise MissingMeasurementError(msg)
        return value

    def values(self, target: str | Target) -> FloatArray:
        """Return the column of a target, ``(n,)``, aligned with ``architectures``.

        NaN where nothing was measured; the array is the caller's own.

        Raises:
            MissingMeasurementError: If the table has no such target.
        """
        return self._values[:, self._column(target)].copy()

    def best(self, target: str | Target) -> tuple[Architecture, float]:
        """Return the architecture with the best value of a target, and the value.

        The best is the largest accuracy, or the smallest latency or energy; of equals, the
        architecture of smallest index.

        Raises:
            MissingMeasurementError: If the table has no such target.
        """
        column = self.values(target)
        higher = Target.parse(target).higher_is_better
        row = int(np.nanargmax(column) if higher else np.nanargmin(column))
        return NASBench201()[self._indices[row]], float(column[row])

    def to_frame(self) -> "pd.DataFrame":
        """Return all values: rows by architecture index, columns by target."""
        import pandas as pd

        rows = pd.Index(np.fromiter(self._indices, dtype=np.int64), name="index")
        return pd.DataFrame(self._values.copy(), index=rows, columns=list(self.targets))

    def __contains__(self, target: object) -> bool:
        return str(target) in self._columns

    def __len__(self) -> int:
        return len(self._indices)

    def __repr__(self) -> str:
        return f"<MeasurementTable {self.name}: {len(self)} cells, {len(self.targets)} targets>"

    def _column(self, target: str | Target) -> int:
        column = self._columns.get(str(target))
        if column is None:
            known = listed(self.targets, target, most=5)
            msg = f"target: expected one of {self.name}, {known}; got {brief(str(target))}"
            raise MissingMeasurementError(msg)
        return column


def _check_column(target: str, column: FloatArray, indices: Any, *, complete: bool) -> None:
    if Target.parse(target).is_accuracy:
        missing = np.isnan(column) & (not complete)
        expected, wrong = "a fraction in [0, 1]", ~((column >= 0) & (column <= 1) | missing)
    else:
        positive = (column > 0) & np.isfinite(column)
        expected, wrong = "a positive number", ~(positive | np.isnan(column))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        msg = f"{target}: expected {expected} for architecture {indices[row]}, got {column[row]!s}"
        raise InvalidInputError(msg)

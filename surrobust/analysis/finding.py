"""A finding: numbers as a table, their figure, and one sentence."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer of an analysis.

    Args:
        name: Stem of its files.
        headline: One sentence with the figures that matter most.
        columns: Names of the table's columns.
        rows: Of the table; accuracies are fractions, NaN where a number has no meaning.
        draw: Draws it on a matplotlib figure; None where the table says it all.
        size: Width and height of the figure in inches.
    """

    name: str
    headline: str
    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    draw: Callable[[Any], None] | None = None
    size: tuple[float, float] = (8.0, 4.0)

    def column(self, name: str) -> list[Any]:
        """Return the values of one column, row by row."""
        place = self.columns.index(name)
        return [row[place] for row in self.rows]

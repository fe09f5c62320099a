"""Tables as Markdown."""

from collections.abc import Iterable, Sequence

import numpy as np


def table_section(title: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table under its title, which may have more lines below it."""
    return "\n".join([f"## {title}\n", *table_lines(header, rows)]) + "\n"


def table_lines(
    heads: Sequence[object], rows: Iterable[Iterable[object]], *, rule: str = "---"
) -> list[str]:
    """Return a table, line by line.

    Args:
        heads: Of the columns.
        rows: Cells; None leaves one empty.
        rule: What stands below each head.
    """
    return [line(heads), f"|{rule}" * len(heads) + "|", *map(line, rows)]


def line(cells: Iterable[object]) -> str:
    """Return one line of a table; None leaves a cell empty."""
    return "|" + "".join(" |" if cell is None else f" {cell} |" for cell in cells)


def spread(mean: float, sd: float, *, digits: int = 3) -> str:
    """Return a mean and its standard deviation as text, a dash if there is none."""
    if not np.isfinite(mean):
        return "–"
    return f"{mean:.{digits}f}" + (f" ± {sd:.{digits}f}" if np.isfinite(sd) else "")

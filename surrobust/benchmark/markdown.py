"""Tables of leaderboards as Markdown."""

from collections.abc import Iterable, Sequence

import numpy as np


def table_section(title: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table under its title, which may have more lines below it."""
    lines = [f"## {title}\n", _row(header), "|---" * len(header) + "|"]
    return "\n".join([*lines, *map(_row, rows)]) + "\n"


def _row(cells: Iterable[object]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def spread(mean: float, sd: float, *, digits: int = 3) -> str:
    """Return a mean and its standard deviation as text, a dash if there is none."""
    if not np.isfinite(mean):
        return "–"
    return f"{mean:.{digits}f}" + (f" ± {sd:.{digits}f}" if np.isfinite(sd) else "")

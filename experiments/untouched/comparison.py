"""A table of means over seeds, and of how far each is ahead of `default`."""

from collections.abc import Callable, Iterable

import numpy as np

from experiments.frame import Lines
from experiments.markdown import NOTHING, mean, table
from surrobust.benchmark.searches.leaderboard import signed_rank_p

REFERENCE = "default"
CHANGED = "default, changed afterwards"
OURS = (REFERENCE, CHANGED, "gp", "xgboost", "random_forest", "random", "local_search")

Values = dict[str, dict[str, dict[int, float]]]
"""By column, name and seed."""
Best = Callable[[Iterable[float]], float]


def compare(
    columns: Values, *, digits: int, best: Best, last: dict[str, list[str]] | None = None
) -> Lines:
    """Yield a table; ``last`` has more columns by their heads, a cell a name."""
    names = dict.fromkeys(name for column in columns.values() for name in column)
    body = []
    for place, name in enumerate(names):
        cells = (_cell(column, name, digits, best) for column in columns.values())
        n = max(len(column.get(name, {})) for column in columns.values())
        more = (cells[place] for cells in (last or {}).values())
        body.append([f"**{name}**" if name in OURS else name, n, *cells, *more])
    return table([None, "n", *columns, *(last or {})], body)


def _cell(column: dict[str, dict[int, float]], name: str, digits: int, best: Best) -> str:
    runs, reference = column.get(name, {}), column.get(REFERENCE, {})
    if not runs:
        return NOTHING
    shown = mean([*runs.values()], digits)
    if np.mean([*runs.values()]) == best(np.mean([*each.values()]) for each in column.values()):
        shown = f"**{shown}**"
    seeds = [seed for seed in runs if seed in reference]
    if name == REFERENCE or not seeds:
        return shown
    differences = np.array([runs[seed] - reference[seed] for seed in seeds])
    return f"{shown} ({differences.mean():+.{digits}f}, p {signed_rank_p(differences):.2g})"

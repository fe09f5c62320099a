"""How a search went: its incumbent beside the best there is, or its front, as a drawing."""

from pathlib import Path

from .._files import write_text
from ..searches import SearchResult
from ..targets import Target
from ..typing import AnyPath
from .drawing import draw_curve, draw_points
from .knowledge import find_table

DRAWING_FILE = "search.svg"
"""The file's name inside the folder of a search."""


def best_known(result: SearchResult, *, data_dir: AnyPath | None = None) -> float | None:
    """Return the best value in the table; None where the search was not fairly after it.

    That is where its values are not the table's, where there are bounds, and without the table.
    """
    if result.target is None or result.objective != "table" or result.bounds:
        return None
    table = find_table(result.target, data_dir=data_dir)
    return table.best(result.target)[1] if table is not None and result.target in table else None


def regret_of(result: SearchResult, *, data_dir: AnyPath | None = None) -> float | None:
    """Return how far the best value found is from the best known; None without either."""
    best = best_known(result, data_dir=data_dir)
    values = [e.value for e in result.evaluations if not e.failed]
    if best is None or not values:
        return None
    return abs(best - (max(values) if result.higher_is_better else min(values)))


def draw_incumbent(result: SearchResult, *, data_dir: AnyPath | None = None) -> str:
    """Draw the values and the best so far over evaluations, of which one at least has a value."""
    label = "value" if result.target is None else Target.parse(result.target).metric
    behind = regret_of(result, data_dir=data_dir)
    if behind is not None:
        label += f", regret {behind:.4f}"
    return draw_curve(
        [e.value for e in result.evaluations],
        higher_is_better=result.higher_is_better,
        label=label,
        best=best_known(result, data_dir=data_dir),
    )


def draw_front(result: SearchResult) -> str:
    """Draw the values of a search with several objectives by the first two of them."""
    points = [(e.values[0], e.values[1]) for e in result.evaluations if not e.failed]
    front = [(e.values[0], e.values[1]) for e in result.front]
    names = result.targets or ("objective 0", "objective 1")
    return draw_points(points, front, (names[0], names[1]))


def write_course(
    folder: AnyPath, result: SearchResult, *, data_dir: AnyPath | None = None
) -> Path | None:
    """Write ``search.svg`` into a folder, atomically, and return its path.

    It is the front where there are several objectives, else the incumbent over evaluations.
    Nothing is written where nothing has a value.
    """
    if not result.evaluations or result.all_failed:
        return None
    several = len(result.directions) > 1
    drawing = draw_front(result) if several else draw_incumbent(result, data_dir=data_dir)
    opening = '<svg xmlns="http://www.w3.org/2000/svg" style="background:#fff" '
    opening += 'font-family="sans-serif" font-size="12" '
    path = Path(folder) / DRAWING_FILE
    write_text(path, drawing.replace("<svg ", opening, 1) + "\n")
    return path

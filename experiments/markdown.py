"""Markdown of the experiments: tables, means, and what stands between the markers of a page."""

from collections.abc import Sequence

import numpy as np

from surrobust.benchmark.markdown import line
from surrobust.benchmark.markdown import table_lines as table

NOTHING = "–"

__all__ = ["NOTHING", "between", "line", "mean", "put", "spread", "table"]


def spread(values: Sequence[float], digits: int = 3, *, usual: int | None = None) -> str:
    """Return mean ± sd, and n; not where n is the ``usual`` one."""
    return mean(values, digits) + f" (n = {len(values)})" * (len(values) not in (0, usual))


def mean(values: Sequence[float], digits: int = 3) -> str:
    """Return mean ± sd, the value where there is one."""
    if not len(values):
        return NOTHING
    several = f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits}f}{several}"


def between(page: str, name: str) -> str:
    """Return what stands between the markers of that name."""
    return _parts(page, name)[1]


def put(page: str, name: str, text: str) -> str:
    """Return the page with other text between the markers."""
    before, _, after = _parts(page, name)
    return before + text + after


def _parts(page: str, name: str) -> tuple[str, str, str]:
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    if page.count(begin) != 1 or page.count(end) != 1:
        msg = f"expected the markers of {name} once, got {page.count(begin)} and {page.count(end)}"
        raise ValueError(msg)
    before, rest = page.split(begin)
    text, after = rest.split(end)
    return before + begin, text, end + after

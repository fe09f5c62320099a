"""How far something is and how long it takes, on a terminal and elsewhere."""

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .output import bars, message, release

if TYPE_CHECKING:
    from ..searches import SearchResult


@contextmanager
def search_progress() -> Iterator[Callable[["SearchResult"], None]]:
    """Yield what is called with the search so far: a bar on a terminal, else about ten lines."""
    pace = SearchPace()
    if not sys.stderr.isatty():
        yield pace.tell_tenths
        return
    from rich.progress import BarColumn, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn())
    with bars(*columns, transient=True) as bar:
        task = bar.add_task("search", total=None)

        def advance(result: "SearchResult") -> None:
            release()
            done, total = len(result.evaluations), result.budget
            bar.update(task, completed=done, total=total, description=pace.describe(result))

        yield advance


class SearchPace:
    """What is told of a search that goes on: how far it is, the incumbent and the time left.

    Args:
        clock: Seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._left = TimeLeft(clock)
        self._tenths = 0

    def describe(self, result: "SearchResult") -> str:
        """Return a line on the search so far."""
        done = len(result.evaluations)
        line = f"evaluation {done} of {result.budget}: {_standing(result)}"
        return line + self._left.told(done, result.budget)

    def tell_tenths(self, result: "SearchResult") -> None:
        """Print the line whenever another tenth of the budget is spent."""
        release()
        line = self.describe(result)
        tenths = 10 * len(result.evaluations) // max(result.budget, 1)
        if tenths > self._tenths:
            self._tenths = tenths
            message(line)


def _standing(result: "SearchResult") -> str:
    """Return the best so far in a few words."""
    n_failed = len(result.failures)
    failed = f", {n_failed} failed" if n_failed else ""
    finalists = result.finalists
    if result.all_failed:
        return "all have failed"
    if result.evaluations and not finalists:
        return f"none keeps the bounds yet{failed}"
    if len(result.directions) > 1:
        return f"front of {len(finalists)}, best {finalists[0].value:.4f}{failed}"
    return f"best {finalists[0].value if finalists else math.nan:.4f}{failed}"


class TimeLeft:
    """Time left of a number of equal steps, from the time that those since the first one took.

    Args:
        clock: Seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: tuple[float, int] | None = None

    def told(self, done: int, total: int) -> str:
        """Return ``, 3 min 20 s left``; empty at the first step and at the end."""
        now = self._clock()
        if self._since is None:
            self._since = (now, done)
        since, before = self._since
        if done in (before, total):
            return ""
        return f", {duration((total - done) * (now - since) / (done - before))} left"


def duration(seconds: float) -> str:
    """Return a time in words, in its two largest units."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"

"""How long something takes that goes on."""

import time
from collections.abc import Callable


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

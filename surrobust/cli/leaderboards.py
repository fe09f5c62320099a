"""What the leaderboards share: seeds, progress, a figure that may be left out."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from ..errors import InvalidInputError
from .options import LARGEST_SEED
from .output import bars, message, one_line, release
from .progress import TimeLeft


class Seeds(click.ParamType):
    """How many seeds, counted from ``--seed``, or the first and the last: ``50``, ``0-49``."""

    name = "seeds"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int | None, int]:
        """Return the first seed, None where only their number was given, and the number."""
        if isinstance(value, tuple):
            return value
        # LARGEST_SEED has ten digits; Python refuses to read a number of thousands.
        found = re.fullmatch(r"(?:(\d{1,10})-)?(\d{1,10})", str(value))
        first = None if found is None or found[1] is None else int(found[1])
        number = 0 if found is None else int(found[2]) - (first or 0) + (first is not None)
        if number < 1:
            told = f"{value!r}: expected a number such as 5, or a range such as 0-49."
            self.fail(told, param, ctx)
        return first, number


def seeds_of(given: tuple[int | None, int], seed: int) -> range:
    """Return the seeds that ``--seeds`` and ``--seed`` ask for.

    Raises:
        InvalidInputError: If both say where to begin, or a seed is too large.
    """
    first, number = given
    if first is not None and seed:
        msg = f"--seed: expected none with --seeds {first}-{first + number - 1}, got {seed}"
        raise InvalidInputError(msg)
    start = seed if first is None else first
    if start + number - 1 > LARGEST_SEED:
        msg = f"--seed: expected one with {number} seeds up to {LARGEST_SEED}, got {start}"
        raise InvalidInputError(msg)
    return range(start, start + number)


def drawn(write: Callable[..., Path], *arguments: Any, **options: Any) -> list[Path]:
    """Draw a figure and return its path, or tell that it is left out."""
    try:
        return [write(*arguments, **options)]
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("matplotlib"):
            raise
        message('figure left out: matplotlib is not installed (pip install "surrobust[plot]")')
        return []


@contextmanager
def progress_of(
    unit: str, describe: Callable[[Any], str]
) -> Iterator[Callable[[int, int, Any], None]]:
    """Yield what is called with (done, total, result): a bar on a terminal, else a line each.

    Args:
        unit: What is counted.
        describe: A result on one line.
    """
    left = TimeLeft()
    if not sys.stderr.isatty():
        yield lambda done, total, result: message(
            f"[{done}/{total}{left.told(done, total)}] {describe(result)}"
        )
        return
    from rich.progress import MofNCompleteColumn, Progress

    with bars(*Progress.get_default_columns(), MofNCompleteColumn()) as bar:
        task = bar.add_task(unit)

        def advance(done: int, total: int, result: Any) -> None:
            release()
            bar.update(task, completed=done, total=total, description=one_line(describe(result)))

        yield advance

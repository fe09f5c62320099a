"""Measurements that fail: which do, and what is kept of them."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._checks import brief
from ..errors import InvalidInputError
from ..spaces import Architecture

ON_FAILURE = ("record", "raise")
"""What a search does when measuring fails: record it and go on, or end."""

_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Failure:
    """What is returned in place of a value.

    Args:
        reason: Why, on one line.
    """

    reason: str


def attempt(
    measure: Callable[..., Any], cells: Sequence[Architecture], trial: int, on_failure: str
) -> list[Any]:
    """Measure one architecture, or a batch in one call.

    Only a ``FloatingPointError`` is a fact about the architecture, as of a training that diverged.
    Everything else, such as a full disk or memory, is passed on with a note that names it.

    Args:
        measure: One architecture to its value; or, where there are several, all to their values.
        cells: What is measured.
        trial: Number of the first.
        on_failure: A word of ``ON_FAILURE``.

    Returns:
        What was measured, one or as many as the call gave; or a failure for each cell.

    Raises:
        InvalidInputError: If the call gave nothing of the kind.
    """
    codes = ", ".join(cell.code for cell in cells)
    try:
        measured = measure(list(cells))
        if not isinstance(measured, Iterable):
            msg = (
                f"objective: expected a value for each of {len(cells)} cells, got {brief(measured)}"
            )
            raise InvalidInputError(msg)
        return list(measured)
    except Exception as error:
        if isinstance(error, FloatingPointError) and on_failure == "record":
            # A batch that diverges says nothing of which cell it was: none of them has a value.
            return [Failure(_one_line(f"{type(error).__name__}: {error}"))] * len(cells)
        error.add_note(f"while {codes} was measured (trial {trial})")
        raise


def why_failed(given: Any, n: int) -> str:
    """Return why what was measured has no value, empty if it has, or is no measurement at all.

    Args:
        given: A :class:`Failure`, a number, or n numbers.
        n: How many are expected.
    """
    if isinstance(given, Failure):
        return given.reason
    if n == 1 or given is None:
        is_failed = _is_missing(given)
    else:
        is_row = isinstance(given, Sequence | np.ndarray) and len(given) == n
        is_failed = is_row and any(map(_is_missing, given))
    wanted = "a finite number" if n == 1 else f"{n} finite numbers"
    return f"value: expected {wanted}, got {brief(given)}" if is_failed else ""


def _is_missing(value: Any) -> bool:
    """Return whether a value says that there is none: None, NaN or infinity."""
    if value is None:
        return True
    # No measurement at all, and refused where values are checked; float would take "nan".
    if isinstance(value, bool | str | bytes):
        return False
    try:
        return not math.isfinite(float(value))
    except (TypeError, ValueError, OverflowError):
        return False


def _one_line(text: str) -> str:
    """Return a text on one line, shortened."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "..."

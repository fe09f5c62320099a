"""Verifying several cells, some of them at a time."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from ..spaces import AnyArchitecture
from ..training import Training, train_together
from ..typing import AnyPath
from . import surroundings
from .keeping import holding
from .plan import Plan
from .verifying import CellReport, Record, find_record, finish, start_training, tell_of_old_records

CellOutcome: TypeAlias = Record | FloatingPointError


def run_several(
    cells: Sequence[AnyArchitecture],
    plan: Plan,
    *,
    at_once: int = 1,
    out: AnyPath | None = None,
    keep: bool = False,
    report: CellReport | None = None,
) -> Iterator[CellOutcome]:
    """Yield the record of each cell in turn, or why its training or measurement failed.

    Args:
        cells: What is verified; what ``out`` has already is not run again.
        plan: How.
        at_once: How many are trained side by side on the device (``train_together``).
        out: File of records.
        keep: Whether the trained weights stay.
        report: See :func:`verify`.

    Yields:
        What came of each cell, once all that are trained side by side are done.

    Raises:
        InvalidInputError: If recipe, images, device and attacks do not go together or with one of
            the cells, before any is trained; see :meth:`Plan.check`.
    """
    plan.check(cells)
    for first in range(0, len(cells), at_once):
        group = cells[first : first + at_once]
        # Whoever takes an outcome holds nothing: it may verify the cell in another way.
        yield from _run_group(group, plan, out=out, keep=keep, report=report)


def _run_group(
    cells: Sequence[AnyArchitecture],
    plan: Plan,
    *,
    out: AnyPath | None,
    keep: bool,
    report: CellReport | None,
) -> list[CellOutcome]:
    """Return the outcomes of cells that are trained side by side."""
    found: dict[AnyArchitecture, CellOutcome] = _find(cells, plan, out)
    left = [cell for cell in cells if cell not in found]
    with holding(left, plan, out):
        found |= _find(left, plan, out)  # what was waited for
        left = [cell for cell in left if cell not in found]
        started = surroundings.now()
        for cell in left:
            tell_of_old_records(cell, out)
        trainings = [start_training(cell, plan, out=out) for cell in left]
        found |= _train(trainings, report)
        for training in trainings:
            if training.architecture not in found:
                found[training.architecture] = _finish(
                    training, plan, started, out=out, keep=keep, at_once=len(left)
                )
    return [found[cell] for cell in cells]


def _find(
    cells: Sequence[AnyArchitecture], plan: Plan, out: AnyPath | None
) -> dict[AnyArchitecture, CellOutcome]:
    """Return the records that a file has already."""
    looked = {cell: find_record(cell, plan, out) for cell in cells}
    return {cell: record for cell, record in looked.items() if record is not None}


def _finish(training: Training, plan: Plan, started: str, **options: Any) -> CellOutcome:
    """Attack and record; return why not, where the answers are not finite."""
    try:
        return finish(training, plan, started, **options)
    except FloatingPointError as error:
        return FloatingPointError(f"cell {training.architecture.index}: {error}")


def _train(
    trainings: list[Training], report: CellReport | None
) -> dict[AnyArchitecture, FloatingPointError]:
    """Train side by side; return those that failed."""
    cells = [training.architecture for training in trainings]
    told = None if report is None else lambda number, end: report(cells[number], end)
    failures = train_together(trainings, told)
    return {cell: error for cell, error in zip(cells, failures, strict=True) if error is not None}

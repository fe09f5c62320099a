"""Verifying several cells, some of them at a time."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from ..spaces import AnyArchitecture
from ..training import Training, train_together
from ..typing import AnyPath
from . import surroundings
from .plan import Plan
from .verifying import Record, Report, find_record, finish, start_training

Outcome: TypeAlias = Record | FloatingPointError


def run_several(
    cells: Sequence[AnyArchitecture],
    plan: Plan,
    *,
    at_once: int = 1,
    out: AnyPath | None = None,
    keep: bool = False,
    report: Report | None = None,
) -> Iterator[Outcome]:
    """Yield the record of each cell in turn, or why its training or measurement failed.

    Args:
        cells: What is verified; what ``out`` has already is not run again.
        plan: How.
        at_once: How many are trained side by side on the device (``train_together``).
        out: File of records.
        keep: Whether the trained weights stay.
        report: See :func:`verify`.

    Raises:
        InvalidInputError: If recipe, images, device and attacks do not go together or with one of
            the cells, before any is trained; see :meth:`Plan.check`.
    """
    plan.check(cells)
    for first in range(0, len(cells), at_once):
        group = cells[first : first + at_once]
        known = {cell: find_record(cell, plan, out) for cell in group}
        started = surroundings.now()
        trainings = {
            cell: start_training(cell, plan, out=out) for cell in group if known[cell] is None
        }
        failures = _train(list(trainings.values()), report)
        for cell in group:
            record = known[cell]
            if record is not None:
                yield record
            elif (failure := failures.get(cell)) is not None:
                yield failure
            else:
                yield _finish(
                    trainings[cell], plan, started, out=out, keep=keep, at_once=len(trainings)
                )


def _finish(training: Training, plan: Plan, started: str, **options: Any) -> Outcome:
    """Attack and record; return why not, where the answers are not finite."""
    try:
        return finish(training, plan, started, **options)
    except FloatingPointError as error:
        return FloatingPointError(f"cell {training.architecture.index}: {error}")


def _train(
    trainings: list[Training], report: Report | None
) -> dict[AnyArchitecture, FloatingPointError]:
    """Train side by side; return those that failed."""
    cells = [training.architecture for training in trainings]
    told = None if report is None else lambda number, end: report(cells[number], end)
    failures = train_together(trainings, told)
    return {cell: error for cell, error in zip(cells, failures, strict=True) if error is not None}

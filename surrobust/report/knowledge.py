"""What is known of cells beside a search: predicted values, and measured ones where tables are."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import MissingMeasurementError
from ..predictors.shipped import predictor_for
from ..spaces import Architecture
from ..tables import MeasurementTable, load_table
from ..targets import BENCHMARKS, Target, targets_of
from ..typing import AnyPath

COVERAGE = 0.9
_AT_MOST = 8


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is known of one cell and target.

    Args:
        target: Its key.
        mean: Predicted.
        lower: Of the interval of coverage ``COVERAGE``.
        upper: Of the same.
        measured: In the table; None where there is none.
        trained_on: Whether the predictor was trained on this cell.
    """

    target: str
    mean: float
    lower: float
    upper: float
    measured: float | None
    trained_on: bool


def targets_beside(target: str) -> list[str]:
    """Return the accuracies of the same benchmark and images, a target itself among them.

    Of a long grid of epsilons those of the target's own, at most eight.
    """
    own = Target.parse(target)
    if own.benchmark not in BENCHMARKS or not own.is_accuracy:
        return [target]
    keys = [key for key in targets_of(own.benchmark) if Target.parse(key).images == own.images]
    if len(keys) > _AT_MOST:
        radius = own.epsilon or 1 / 255
        keys = [key for key in keys if (Target.parse(key).epsilon or radius) == radius]
    return keys if target in keys else [target]


def estimate(
    cells: Sequence[Architecture], target: str, *, data_dir: AnyPath | None = None
) -> list[list[Estimate]]:
    """Return what is known of each cell for a target and those beside it.

    Nothing where no shipped predictor knows the target.

    Args:
        cells: The cells.
        target: What was searched for.
        data_dir: Where the tables are; None looks in the usual places.
    """
    try:
        predictor = predictor_for(target)
    except MissingMeasurementError:
        return [[] for _ in cells]
    places = {key: number for number, key in enumerate(predictor.targets)}
    keys = [key for key in targets_beside(target) if key in places]
    means = predictor.predict(cells)
    lower, upper = predictor.predict_interval(cells, coverage=COVERAGE)
    table = find_table(target, data_dir=data_dir)
    return [
        [
            Estimate(
                key,
                float(means[row, places[key]]),
                float(lower[row, places[key]]),
                float(upper[row, places[key]]),
                None if table is None else measured_value(table, cell, key),
                predictor.trained_on(cell),
            )
            for key in keys
        ]
        for row, cell in enumerate(cells)
    ]


def find_table(target: str | None, *, data_dir: AnyPath | None = None) -> MeasurementTable | None:
    """Return the table of a target; None where there is none, or its files are not here."""
    if target is None or Target.parse(target).benchmark not in BENCHMARKS:
        return None
    try:
        return load_table(Target.parse(target).benchmark, data_dir=data_dir)
    except MissingMeasurementError:
        return None


def measured_value(table: MeasurementTable, cell: Architecture, target: str) -> float | None:
    """Return a measured value; None where the table has none."""
    try:
        return table.query(cell, target)
    except MissingMeasurementError:
        return None

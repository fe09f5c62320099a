"""Where values come from: tables, the shipped predictors in their place, counts and devices."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .._checks import check_choice
from ..errors import MissingMeasurementError
from ..predictors.shipped import predictor_for
from ..spaces import Architecture, NASBench201, count_flops, count_parameters
from ..tables import load_table
from ..targets import Target, check_target
from ..typing import AnyPath, FloatArray

logger = logging.getLogger(__name__)

LOOKED_UP = ("auto", "table", "surrogate")
"""Objectives that are there without training; ``auto`` is the table where its files are found."""

OBJECTIVES = (*LOOKED_UP, "train")
"""What ``search`` takes as ``objective``; for ``train`` see ``objectives.trained``."""


TOLERANCE = 1e-5
"""By how much a predictor's values differ, relatively, between machines, whose linear algebra sums
in other orders, in single precision too."""


@dataclass(frozen=True, slots=True)
class Recall:
    """What a source says once more of what was measured.

    Args:
        look_up: Architectures to the values that each of them has; none where it cannot tell.
        tolerance: By how much, relatively, what was measured may differ.
    """

    look_up: Callable[[Sequence[Architecture]], Sequence[Collection[float]]]
    tolerance: float = 0.0


def recall_each(look_up: Callable[[Architecture], float], tolerance: float = 0.0) -> Recall:
    """Return the recall of a source that has one value of each architecture."""
    return Recall(lambda cells: [(float(look_up(cell)),) for cell in cells], tolerance)


@dataclass(frozen=True, slots=True)
class Objective:
    """A named source of values.

    Args:
        name: ``table``, ``surrogate``, ``train`` or ``callable``; the ``source`` of evaluations.
        measure: Architecture to value; to the values of several objectives and then the
            quantities that have bounds, where there are such.
        candidates: The architectures that may be measured; None means all of the space.
        known: By the position of an objective, its values where they are known beforehand, times
            -1 where lower ones are better.
        recalls: For each number of a measurement, what it is compared with when a search is
            resumed; None compares nothing.
    """

    name: str
    measure: Callable[[Architecture], Any]
    candidates: tuple[Architecture, ...] | None = None
    known: Mapping[int, Mapping[Architecture, float]] = field(default_factory=dict)
    recalls: tuple[Recall | None, ...] = ()


def table_objective(target: str, *, data_dir: AnyPath | None = None) -> Objective:
    """Return the objective that looks values up in the target's measurement table.

    Raises:
        MissingMeasurementError: If the table's files are not there.
    """
    from ..tables import load_table

    table = load_table(Target.parse(target).benchmark, data_dir=data_dir)

    def look_up(cell: Architecture) -> float:
        return float(table.query(cell, target))

    return Objective("table", look_up, recalls=(recall_each(look_up),))


def surrogate_objective(target: str) -> Objective:
    """Return the objective in which a shipped predictor plays the benchmark.

    Raises:
        MissingMeasurementError: If no shipped predictor predicts the target.
    """
    predictor = predictor_for(target)

    def predict(cells: Sequence[Architecture]) -> list[tuple[float]]:
        return [(float(value),) for value in predictor.predict_target(cells, target)]

    recall = Recall(predict, TOLERANCE)
    return Objective("surrogate", lambda cell: predict([cell])[0][0], recalls=(recall,))


def make_objective(name: str, target: str, *, data_dir: AnyPath | None = None) -> Objective:
    """Return an objective by its name in :data:`LOOKED_UP`.

    ``auto`` is the table where its files are found; else the surrogate, which is logged.

    Raises:
        InvalidInputError: If the name or the target is not known.
        MissingMeasurementError: If it has no values for the target.
    """
    check_choice("objective", name, LOOKED_UP)
    check_target(target)
    if name == "surrogate":
        return surrogate_objective(target)
    try:
        return table_objective(target, data_dir=data_dir)
    except MissingMeasurementError:
        if name == "table":
            raise
    logger.warning("objective: the table of %s is not here, a shipped predictor plays it", target)
    return surrogate_objective(target)


_COUNTED = {"params": count_parameters, "flops": count_flops}


def known_values(
    quantity: str, objective: str, *, strict: bool = False, data_dir: AnyPath | None = None
) -> Mapping[Architecture, float]:
    """Return a quantity of every representative, NaN where there is none.

    Parameters and FLOPs are counted. Latencies and energies are looked up in the table; where
    that is not here a shipped predictor plays it, which is logged.

    Args:
        quantity: ``params``, ``flops``, or the target key of a device.
        objective: Where the other values of the search are from; what a ``surrogate`` measures is
            not looked up either.
        strict: Whether a table that is not here is an error.
        data_dir: Where the tables are.

    Raises:
        MissingMeasurementError: If there is neither a table nor a predictor.
    """
    cells = NASBench201().representatives()
    if quantity in _COUNTED:
        values = np.array([_COUNTED[quantity](cell) for cell in cells], dtype=np.float64)
    elif objective == "surrogate":
        values = _predicted(quantity, cells)
    else:
        try:
            values = _measured(quantity, cells, data_dir)
        except MissingMeasurementError:
            if strict:
                raise
            logger.warning("%s: its table is not here, a shipped predictor plays it", quantity)
            values = _predicted(quantity, cells)
    return dict(zip(cells, values.tolist(), strict=True))


def _measured(quantity: str, cells: list[Architecture], data_dir: AnyPath | None) -> FloatArray:
    table = load_table(Target.parse(quantity).benchmark, data_dir=data_dir)
    # By cell, for a table may have a row for each of the 15625, and cells are representatives.
    rows = dict(zip(table.architectures, table.values(quantity), strict=True))
    return np.array([rows[cell] for cell in cells])


def _predicted(quantity: str, cells: list[Architecture]) -> FloatArray:
    return predictor_for(quantity).predict_target(cells, quantity)

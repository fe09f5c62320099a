"""Where values come from: measured tables and the shipped predictors in their place."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._checks import check_choice
from ..errors import MissingMeasurementError
from ..spaces import Architecture
from ..targets import Target, targets_of
from ..typing import AnyPath

logger = logging.getLogger(__name__)

LOOKED_UP = ("auto", "table", "surrogate")
"""Objectives that are there without training; ``auto`` is the table where its files are found."""

OBJECTIVES = (*LOOKED_UP, "train")
"""What ``search`` takes as ``objective``; for ``train`` see ``objectives.trained``."""


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
    """

    name: str
    measure: Callable[[Architecture], Any]
    candidates: tuple[Architecture, ...] | None = None
    known: Mapping[int, Mapping[Architecture, float]] = field(default_factory=dict)


def table_objective(target: str, *, data_dir: AnyPath | None = None) -> Objective:
    """Return the objective that looks values up in the target's measurement table.

    Raises:
        MissingMeasurementError: If the table's files are not there.
    """
    from ..tables import load_table

    table = load_table(Target.parse(target).benchmark, data_dir=data_dir)
    return Objective("table", lambda cell: float(table.query(cell, target)))


def surrogate_objective(target: str) -> Objective:
    """Return the objective in which a shipped predictor plays the benchmark.

    Raises:
        MissingMeasurementError: If no shipped predictor predicts the target.
    """
    from ..shipped import list_predictors, load_predictor

    shipped = (load_predictor(name) for name in list_predictors())
    predictor = next((p for p in shipped if target in p.targets), None)
    if predictor is None:
        msg = f"target: expected one that a shipped predictor predicts, got {target!r}"
        raise MissingMeasurementError(msg)
    column = list(predictor.targets).index(target)
    return Objective("surrogate", lambda cell: float(predictor.predict([cell]).reshape(-1)[column]))


def make_objective(name: str, target: str, *, data_dir: AnyPath | None = None) -> Objective:
    """Return an objective by its name in :data:`LOOKED_UP`.

    ``auto`` is the table where its files are found; else the surrogate, which is logged.

    Raises:
        InvalidInputError: If the name or the target is not known.
        MissingMeasurementError: If it has no values for the target.
    """
    check_choice("objective", name, LOOKED_UP)
    _check_target(target)
    if name == "surrogate":
        return surrogate_objective(target)
    try:
        return table_objective(target, data_dir=data_dir)
    except MissingMeasurementError:
        if name == "table":
            raise
    logger.warning("objective: the table of %s is not here, a shipped predictor plays it", target)
    return surrogate_objective(target)


def _check_target(target: str) -> None:
    benchmark = Target.parse(target).benchmark
    check_choice("target", target, targets_of(benchmark))

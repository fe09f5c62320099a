"""Several objectives and bounds of one search: how they are given, and how they are measured."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .._checks import brief
from ..errors import InvalidInputError, MissingMeasurementError
from ..searches import Bound, SearchResult
from ..searches.base import check_value
from ..searches.failures import Failure, why_failed
from ..searches.goals import directions_of
from ..searches.multiobjective import check_finite
from ..spaces import Architecture
from ..targets import COUNTS, Target, is_known_beforehand, is_maximised, parse_quantity
from ..typing import AnyPath
from .sources import TOLERANCE, Objective, known_values, make_objective, recall_each

Limits = Mapping[str, float]
"""Names of quantities, full or short, with the most or the least that they may be."""

Known = Mapping[str, Mapping[Architecture, float]]


def read_targets(given: Any) -> dict[str, Any]:
    """Return the options ``target``, ``targets`` and ``directions`` of a search.

    Args:
        given: A target key; or several of them, after the first also ``params``, ``flops``, or
            the metric alone (``parse_quantity``); None if none was given.

    Raises:
        InvalidInputError: If one is not known, or given twice.
    """
    if given is None:
        return {}
    if not isinstance(given, list | tuple):
        return {"target": str(Target.parse(given)), "targets": (), "directions": ()}
    if not given:
        msg = "target: expected at least one, got none"
        raise InvalidInputError(msg)
    first = Target.parse(given[0])
    names = tuple(parse_quantity("target", name, beside=first) for name in given)
    if len(set(names)) < len(names):
        msg = f"target: expected each once, got {', '.join(names)}"
        raise InvalidInputError(msg)
    if len(names) == 1:
        return read_targets(names[0])
    return {"target": names[0], "targets": names, "directions": directions_of(names)}


def read_bounds(
    maximum: Limits | None, minimum: Limits | None, *, beside: str
) -> tuple[Bound, ...] | None:
    """Return the bounds of a search; None if none were given.

    Args:
        maximum: The most that quantities may be.
        minimum: The least that they may be.
        beside: The search's target, whose benchmark and images a metric alone means.

    Raises:
        InvalidInputError: If a quantity is not known, or a limit is not a finite number.
    """
    if not maximum and not minimum:
        return None
    target = Target.parse(beside)
    bounds = []
    for name, limits in (("max", maximum), ("min", minimum)):
        for text, limit in (limits or {}).items():
            quantity = parse_quantity(name, text, beside=target)
            try:
                number = check_value(limit)
            except InvalidInputError:
                msg = f"{name}: expected a finite number for {text}, got {brief(limit)}"
                raise InvalidInputError(msg) from None
            bounds.append(Bound(quantity, number, is_upper=name == "max"))
    sides = {(bound.quantity, bound.is_upper) for bound in bounds}
    if len(sides) < len(bounds):
        msg = f"bounds: expected each once, got {_told(bounds)}"
        raise InvalidInputError(msg)
    return tuple(bounds)


def several_objective(
    plan: SearchResult,
    first: Objective | None = None,
    *,
    strict: bool = False,
    data_dir: AnyPath | None = None,
) -> Objective:
    """Return the objective of a search with several objectives or with bounds.

    Args:
        plan: The search; its objective is a name in ``OBJECTIVES``.
        first: What trains cells for the first target; everything else has to be known beforehand.
            None where accuracies are looked up.
        strict: Whether a device's table that is not here is an error.
        data_dir: Where the tables are.

    Raises:
        InvalidInputError: If no cell keeps the bounds that are known beforehand, or something
            would have to be measured that training does not tell.
        MissingMeasurementError: If there are no values for a quantity.
    """
    objectives = plan.targets or (str(plan.target),)
    columns = [*objectives, *(bound.quantity for bound in plan.bounds)]
    unknown = [q for q in dict.fromkeys(columns) if not is_known_beforehand(q)]
    if first is None:
        measured = _measure_each(plan.objective, unknown or [str(plan.target)], data_dir)
    elif unknown == [plan.target]:
        measured = {unknown[0]: first}
    else:
        msg = (
            f"objective: expected params, flops, latencies or energies beside what {first.name} "
            f"measures, got {', '.join(q for q in unknown if q != plan.target)}"
        )
        raise InvalidInputError(msg)
    name = next(iter(measured.values())).name
    known = {
        quantity: known_values(quantity, name, strict=strict, data_dir=data_dir)
        for quantity in dict.fromkeys(columns)
        if is_known_beforehand(quantity)
    }
    lookups: dict[str, Callable[[Architecture], float]] = {
        **{quantity: one.measure for quantity, one in measured.items()},
        **{quantity: values.__getitem__ for quantity, values in known.items()},
    }

    def measure(cell: Architecture) -> list[float]:
        return [float(lookups[quantity](cell)) for quantity in columns]

    recalls = {
        # A figure of a device may be a predictor's.
        **{
            q: recall_each(v.__getitem__, 0.0 if q in COUNTS else TOLERANCE)
            for q, v in known.items()
        },
        **{q: next(iter(one.recalls), None) for q, one in measured.items()},
    }
    positions = {objectives.index(q): q for q in known if q in objectives}
    return Objective(
        name,
        measure,
        candidates=_candidates(known, plan.bounds),
        known={j: _signed(known[quantity], quantity) for j, quantity in positions.items()},
        recalls=tuple(recalls[quantity] for quantity in columns),
    )


def bounded_callable(
    objective: Callable[..., Any], plan: SearchResult, *, batch: bool
) -> Objective:
    """Return a user's own objective with bounds on what is known beforehand.

    Args:
        objective: Architecture to a number or several; with ``batch``, a list of architectures to
            as many of these.
        plan: The search.
        batch: Whether the objective takes lists.

    Raises:
        InvalidInputError: If a bound is on what is not known beforehand, or no cell keeps them.
    """
    for bound in plan.bounds:
        if not bound.is_known:
            msg = (
                "bounds: expected params, flops, a latency or an energy beside an objective of "
                f"your own, got {bound.quantity}"
            )
            raise InvalidInputError(msg)
    known = {bound.quantity: known_values(bound.quantity, "callable") for bound in plan.bounds}
    n = len(plan.goals.maximised)

    def complete(cell: Architecture, value: Any) -> list[float] | Failure:
        reason = why_failed(value, n)
        if reason:
            return Failure(reason)
        values = [check_value(value)] if n == 1 else check_finite("value", value, n)
        return values + [known[bound.quantity][cell] for bound in plan.bounds]

    def measure_each(cells: Sequence[Architecture]) -> list[Any]:
        values = list(objective(cells))
        if len(values) != len(cells):
            return values  # refused by what asked for them
        return [complete(cell, value) for cell, value in zip(cells, values, strict=True)]

    def measure(cell: Architecture) -> list[float] | Failure:
        return complete(cell, objective(cell))

    chosen: Callable[[Any], Any] = measure_each if batch else measure
    return Objective("callable", chosen, candidates=_candidates(known, plan.bounds))


def _measure_each(
    name: str, targets: Sequence[str], data_dir: AnyPath | None
) -> dict[str, Objective]:
    """Return the objective of each target, all of one name."""
    try:
        first = "table" if name == "auto" else name
        return {target: make_objective(first, target, data_dir=data_dir) for target in targets}
    except MissingMeasurementError:
        if name != "auto":
            raise
        # The first that has no table says so in the log; the others follow it.
        names = [make_objective("auto", target, data_dir=data_dir).name for target in targets]
        name = "surrogate" if "surrogate" in names else "table"
        return {target: make_objective(name, target, data_dir=data_dir) for target in targets}


def _signed(values: Mapping[Architecture, float], quantity: str) -> dict[Architecture, float]:
    sign = 1.0 if is_maximised(quantity) else -1.0
    return {cell: sign * value for cell, value in values.items()}


def _candidates(known: Known, bounds: Sequence[Bound]) -> tuple[Architecture, ...] | None:
    """Return the cells of which everything is known and that keep the bounds; None if all do."""
    if not known:
        return None
    cells = list(next(iter(known.values())))
    numbers = {quantity: np.array(list(values.values())) for quantity, values in known.items()}
    keeps = np.all([np.isfinite(column) for column in numbers.values()], axis=0)
    for bound in bounds:
        if bound.is_known:
            column = numbers[bound.quantity]
            within = column <= bound.limit if bound.is_upper else column >= bound.limit
            if not within.any():
                best = np.nanmin(column) if bound.is_upper else np.nanmax(column)
                kind = ("max", "least") if bound.is_upper else ("min", "most")
                msg = (
                    f"{kind[0]}: expected a bound on {bound.quantity} that some cell keeps, got "
                    f"{bound.limit:g}: the {kind[1]} is {best:g}"
                )
                raise InvalidInputError(msg)
            keeps &= within
    if not keeps.any():
        msg = f"bounds: expected bounds that some cell keeps together, got {_told(bounds)}"
        raise InvalidInputError(msg)
    return None if keeps.all() else tuple(c for c, k in zip(cells, keeps, strict=True) if k)


def _told(bounds: Sequence[Bound]) -> str:
    return " and ".join(map(str, bounds))

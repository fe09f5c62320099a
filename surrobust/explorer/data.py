"""The data of the page, and how its arrays are written as text."""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .._version import __version__
from ..errors import MissingMeasurementError
from ..predictors.shipped import list_predictors, load_predictor
from ..searches import SearchResult
from ..spaces import (
    Architecture,
    NASBench201,
    count_flops,
    count_parameters,
    representative_indices,
    representatives_by_index,
)
from ..tables import MeasurementTable, load_proxy_scores, load_table
from ..targets import BENCHMARKS, DEFAULT_TARGET, Target, targets_of
from ..typing import AnyPath, FloatArray

COVERAGE = 0.9
_START = 2581  # the best cell of the default target


def gather(
    *,
    search: SearchResult | None = None,
    data_dir: AnyPath | None = None,
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Return the data of the page as JSON can say them.

    Predictions are those of the shipped predictors, for every target that one of them knows;
    measurements those of the tables that are there. Accuracies are kept by representative, what
    was measured of each cell on its own by cell.

    Args:
        search: Whose evaluations are shown in their order.
        data_dir: Where the tables are; None looks in the usual places.
        progress: Called with what is done next.

    Raises:
        ChecksumError: If a table's file is not the published one.
    """
    tell = progress or (lambda _: None)
    tables = {name: _table(name, data_dir) for name in BENCHMARKS}
    targets = _predict(tell)
    for name, table in tables.items():
        for key in () if table is None else targets_of(name):
            entry = targets.setdefault(key, {})
            entry["measured"] = pack_column(_measured(table, key))
    rows = {index: row for row, index in enumerate(representative_indices())}
    cells = list(map(NASBench201().__getitem__, range(len(NASBench201()))))
    start = search.finalists[0].architecture.index if search and search.finalists else _START
    return {
        "cell": str(start),
        "target": _first_target(targets, search),
        "coverage": COVERAGE,
        "measured": any(table is not None for table in tables.values()),
        # Six digits to the base 5: 15624 at most, which two bytes hold.
        "order": as_base64([int(cell.code, 5) for cell in cells], "<u2"),
        "rows": as_base64([rows[index] for index in representatives_by_index()], "<u2"),
        "params": as_base64([count_parameters(cell) for cell in cells], "<u4"),
        "flops": as_base64([count_flops(cell) for cell in cells], "<u4"),
        "targets": [_described(key, targets[key]) for key in _in_order(targets)],
        "proxies": _proxies(),
        "search": [e.architecture.index for e in search.evaluations] if search else None,
        "footer": _footer(tables),
    }


def _first_target(targets: Mapping[str, Any], search: SearchResult | None) -> str:
    """Return the target that is looked at first.

    Raises:
        MissingMeasurementError: If there is none at all.
    """
    asked = [search.target if search else None, DEFAULT_TARGET, *targets]
    found = next((key for key in asked if key in targets), None)
    if found is None:
        msg = "explorer: expected a shipped predictor or a table, got neither"
        raise MissingMeasurementError(msg)
    return found


def _table(name: str, data_dir: AnyPath | None) -> MeasurementTable | None:
    try:
        return load_table(name, data_dir=data_dir)
    except MissingMeasurementError:
        return None


def _predict(tell: Callable[[str], None]) -> dict[str, dict[str, Any]]:
    """Return predictions and intervals by target."""
    targets: dict[str, dict[str, Any]] = {}
    for name in list_predictors():
        tell(f"predicting with {name}")
        predictor = load_predictor(name)
        cells = _rows_of(predictor.targets)
        means = predictor.predict(cells)
        lower, upper = predictor.predict_interval(cells, coverage=COVERAGE)
        for place, key in enumerate(predictor.targets):
            columns = {"predicted": means, "lower": lower, "upper": upper}
            targets[key] = {k: pack_column(array[:, place]) for k, array in columns.items()}
    return targets


def _rows_of(targets: Sequence[str]) -> list[Architecture]:
    """Return the cells that stand for all: every cell where a target is measured by cell."""
    space = NASBench201()
    if any(_is_per_cell(key) for key in targets):
        return [space[index] for index in range(len(space))]
    return space.representatives()


def _is_per_cell(key: str) -> bool:
    return not Target.parse(key).is_accuracy


def _measured(table: MeasurementTable | None, key: str) -> Any:
    return np.array([]) if table is None else table.values(key)


def _in_order(targets: dict[str, dict[str, Any]]) -> list[str]:
    published = [key for name in BENCHMARKS for key in targets_of(name)]
    return [key for key in published if key in targets] + sorted(set(targets) - set(published))


def _described(key: str, columns: dict[str, Any]) -> dict[str, Any]:
    target = Target.parse(key)
    return {
        "key": key,
        "higher": target.higher_is_better,
        "per_cell": _is_per_cell(key),
        **columns,
    }


def _proxies() -> dict[str, Any]:
    """Return our own zero-cost scores, by the index of the scored cell."""
    scores = load_proxy_scores()
    columns = {name: scores[name] for name in scores.columns if name not in ("params", "flops")}
    return {
        "index": as_base64(scores.index, "<u2"),
        "columns": {name: as_base64(_single(column), "<f4") for name, column in columns.items()},
    }


def _single(column: Any) -> Any:
    """Return numbers that single precision can hold, NaN in place of others."""
    values = column.to_numpy(dtype=np.float64)
    return np.where(np.abs(values) < np.finfo(np.float32).max, values, np.nan)


def _footer(tables: dict[str, MeasurementTable | None]) -> str:
    there = [table.citation for table in tables.values() if table is not None and table.citation]
    told = f"surrobust {__version__}. Predictions of the shipped predictors"
    if not there:
        return f"{told}; the tables were not there when this page was made."
    return f"{told}, which were trained on the tables. Measured: {' '.join(there)}"


MISSING = 65535
"""The level of a value that is not there."""


def as_base64(array: Any, kind: str) -> str:
    """Return an array as base64.

    Args:
        array: Numbers, in the range of ``kind``.
        kind: A little-endian numpy type such as ``<u2``.
    """
    return base64.b64encode(np.asarray(array).astype(kind).tobytes()).decode()


def pack_column(values: FloatArray) -> dict[str, Any]:
    """Return values as levels between their least and their largest one.

    A value comes back with an error of at most the range over 131068.

    Args:
        values: ``(n,)``; NaN where there is none.
    """
    there = values[np.isfinite(values)]
    low, high = (float(there.min()), float(there.max())) if len(there) else (0.0, 0.0)
    span = high - low or 1.0
    # A cast of NaN to integers is not defined; what is put there is masked below.
    shares = np.nan_to_num((values - low) / span, nan=0.0)
    levels = np.where(np.isfinite(values), np.round(shares * (MISSING - 1)), MISSING)
    return {"low": low, "high": low + span, "data": as_base64(levels, "<u2")}

"""The figures on a card: how good a predictor was on cells that it had not seen."""

import numpy as np

from ..metrics import kendall_tau, r2_score, rmse
from ..typing import FloatArray
from .repeats import coverage_of_each, mean_of_each
from .state import FittedState, OutOfFold

_COVERAGE = 0.9


def held_out_metrics(state: FittedState) -> dict[str, dict[str, float]]:
    """Return figures by target from the cross-validation behind the intervals.

    Each is the mean over folds, with its standard deviation over folds under ``<name>_sd``. Judged
    are architectures of which no twin was trained on, ``n`` in all, each once: by the mean of its
    measurements where there are several. Only ``coverage_90`` counts every held-out cell, as
    intervals are for cells drawn like the training cells, and single measurements: those of one
    cell, isomorphic ones included, together as much as that of another, which is what intervals
    promise. The interval of a cell is calibrated on the folds other than its own. Nothing where
    there were too few cells.
    """
    held, fresh = state.out_of_fold, state.is_fresh
    if held is None or fresh is None or held.folds.max(initial=-1) < 1:
        return {}
    predicted = state.ranges.bend(held.mean)
    lower, upper = state.ranges.interval(held.mean, _half_widths(held))
    figures: dict[str, dict[str, float]] = {}
    for column, target in enumerate(state.targets):
        rows = []
        for fold in range(held.folds.max() + 1):
            mine = held.folds == fold
            judged = fresh & mine
            true, mean = (
                mean_of_each(held.forms[judged], array[judged, column])
                for array in (held.true, predicted)
            )
            ends = (array[mine, column] for array in (held.true, lower, upper))
            coverage = coverage_of_each(held.groups[mine], *ends)
            rows.append(_judge(true, mean) | {"coverage_90": coverage})
        figures[target] = {"n": len(np.unique(held.forms[fresh])), "folds": len(rows)}
        for name in rows[0]:
            values = np.array([row[name] for row in rows])
            figures[target] |= {name: float(values.mean()), f"{name}_sd": float(values.std(ddof=1))}
    return figures


def _judge(true: FloatArray, predicted: FloatArray) -> dict[str, float]:
    """Return the figures of one fold; NaN where they are not defined."""
    nan = float("nan")
    if len(true) < 2 or np.ptp(true) == 0:
        error = rmse(true, predicted) if len(true) else nan
        return {"kendall_tau": nan, "r2": nan, "rmse": error}
    tau = nan if np.ptp(predicted) == 0 else kendall_tau(true, predicted)
    return {
        "kendall_tau": tau,
        "r2": r2_score(true, predicted),
        "rmse": rmse(true, predicted),
    }


def _half_widths(held: OutOfFold) -> FloatArray:
    """Return half widths of intervals for all cells, each fold's calibrated on the others."""
    half = np.full_like(held.mean, np.inf)
    for fold in range(held.folds.max() + 1):
        mine = held.folds == fold
        calibration = held.calibrate(without=fold)
        half[mine] = calibration.half_widths(held.mean[mine], held.std[mine], coverage=_COVERAGE)
    return half

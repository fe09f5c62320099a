"""The model card: what a predictor is, what it was trained on, how good it is."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from ..._checks import brief
from ..._files import parse_json, put_back, read_text
from ..._places import is_file, is_folder, shown
from ..._version import __version__
from ...errors import InvalidInputError, InvalidModelError
from ...metrics import kendall_tau, r2_score, rmse
from ...targets import range_of
from ...typing import AnyPath, FloatArray, IntArray
from ..ranges import TargetRanges
from ..repeats import coverage_of_each, mean_of_each, numbered
from .fingerprint import Fingerprint
from .state import FittedState, OutOfFold

if TYPE_CHECKING:
    from ..base import AbstractPredictor


CARD = "card.json"
FORMAT = 2
"""The version of the folder's layout; others are refused."""

GIVEN = ("name", "version", "trained_on", "split", "metrics", "citation", "date")
"""The fields that a caller of ``save`` may set."""

_LARGEST = 2**24
"""Bytes of a card; one of 45 targets has 90 thousand."""

_SPLIT = "cross-validated; judged on cells of which no twin was trained on"

Metrics: TypeAlias = dict[str, dict[str, float | int | None]]
"""Figures by target and then by name, None where one is not defined."""


class Card(BaseModel):
    """Every field of ``card.json``."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    format: int
    name: str
    version: int
    kind: str
    targets: list[str]
    encoder: str
    options: dict[str, JsonValue]
    trained_on: dict[str, JsonValue]
    split: JsonValue
    metrics: Metrics
    code_version: str
    date: str
    citation: str | None
    files: dict[str, str]
    fingerprint: Fingerprint


def make_card(
    predictor: "AbstractPredictor",
    state: FittedState,
    files: Mapping[str, bytes],
    given: Mapping[str, Any],
) -> Card:
    """Return the card of a fitted predictor.

    Raises:
        InvalidInputError: If a given field is not known or does not fit the card.
    """
    unknown = sorted(set(given) - set(GIVEN))
    if unknown:
        msg = f"card: expected fields among {', '.join(GIVEN)}; got {unknown[0]}"
        raise InvalidInputError(msg)
    cross_validated = state.out_of_fold is not None and "metrics" not in given
    fields: dict[str, Any] = {
        "format": FORMAT,
        "name": predictor.kind,
        "version": 1,
        "kind": predictor.kind,
        "targets": list(state.targets),
        "encoder": predictor.encoder,
        "options": predictor.options,
        "split": _SPLIT if cross_validated else None,
        "metrics": held_out_metrics(state) if cross_validated else {},
        "code_version": __version__,
        "date": datetime.now(UTC).date().isoformat(),
        "citation": None,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        "fingerprint": Fingerprint.of(predictor).model_dump(),
        **given,
        # Last: how much was trained on is not the caller's to say.
        "trained_on": {**given.get("trained_on", {}), **_size(state)},
    }
    try:
        # Through JSON: tuples become lists, and what JSON cannot hold is found here.
        return Card.model_validate_json(json.dumps(_without_nan(fields), allow_nan=False))
    except (TypeError, ValueError) as error:
        msg = f"card: expected fields that fit the card, got: {_first_line(error)}"
        raise InvalidInputError(msg) from None


def _size(state: FittedState) -> dict[str, int]:
    """Return how many rows were trained on, and of how many cells where those are fewer."""
    n, n_cells = state.n_train, len(state.trained)
    return {"n": n} if n == n_cells else {"n": n, "n_cells": n_cells}


def load_card(folder: AnyPath) -> Card:
    """Read and check a folder's card, without its weights.

    Raises:
        InvalidModelError: If there is none, or it is not one that this version reads.
    """
    path = Path(folder)
    put_back(path)
    if not is_file(path / CARD):
        got = "a folder without it" if is_folder(path) else "no folder"
        msg = f"{shown(path)}: expected a predictor's folder with {CARD}, got {got}"
        raise InvalidModelError(msg)
    try:
        text = read_text(path / CARD, most=_LARGEST)
        document = parse_json(text, name=shown(path / CARD))
    except InvalidInputError as error:
        raise InvalidModelError(str(error)) from None
    # Before the fields are looked at, as another format may have others.
    written = document.get("format") if isinstance(document, dict) else None
    if isinstance(written, int) and written != FORMAT:
        by = "an older surrobust; fit it anew" if written < FORMAT else "a newer surrobust"
        msg = f"{path / CARD}: expected format {FORMAT}, got {brief(written)}: saved by {by}"
        raise InvalidModelError(msg)
    try:
        return Card.model_validate(document)
    except ValidationError as error:
        msg = f"{path / CARD}: expected a predictor's card, got: {_first_line(error)}"
        raise InvalidModelError(msg) from None


def _without_nan(value: Any) -> Any:
    """Return a JSON value with None for numbers that are not finite."""
    if isinstance(value, Mapping):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        text = f"{'.'.join(map(str, first['loc'])) or 'card'}: {first['msg']}"
    else:
        text = str(error)
    return " ".join(text.split())


_COVERAGES = (0.5, 0.8, 0.9, 0.95)
_BEST = 0.1
"""The share of the cells of a fold that are its best."""


def held_out_metrics(state: FittedState) -> dict[str, dict[str, float]]:
    """Return figures by target from the cross-validation behind the intervals.

    Each is the mean over folds, with its standard deviation over folds under ``<name>_sd``. Judged
    are architectures of which no twin was trained on, ``n`` in all, each once: by the mean of its
    measurements where there are several. Only coverages count every held-out cell, as
    intervals are for cells drawn like the training cells, and single measurements: those of one
    cell, isomorphic ones included, together as much as that of another, which is what intervals
    promise. The interval of a cell is calibrated on the folds other than its own.

    ``coverage_90`` is what intervals of 90 % hold, so for 50, 80 and 95; ``coverage_90_head`` is of
    the tenth of a fold's cells that is predicted best, ``coverage_90_best`` of the tenth measured
    best, which is chosen by the outcome. Of latencies, energies and counts the least are best.
    Nothing where there were too few cells.
    """
    held, fresh = state.out_of_fold, state.is_fresh
    # Each fold is calibrated on the others: with one there are none.
    if held is None or fresh is None or held.folds.max(initial=-1) < 1:
        return {}
    predicted = state.ranges.bend(held.mean)
    ends = _ends(held, state.ranges)
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
            arrays = (array[..., mine, column] for array in (held.true, held.mean, ends))
            coverages = _coverages(held.groups[mine], *arrays, sign=_sign_of(target))
            rows.append(_judge(true, mean) | coverages)
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


def _sign_of(target: str) -> int:
    """Return 1 where large values are good, else -1."""
    return -1 if range_of(target) == (0.0, np.inf) else 1


def _coverages(
    groups: IntArray, true: FloatArray, mean: FloatArray, ends: FloatArray, *, sign: int
) -> dict[str, float]:
    """Return what the intervals of a fold hold of all its cells and of its best.

    Args:
        groups: What cell each row measures, ``(n,)``.
        true: Measured values, ``(n,)``.
        mean: Predicted values, ``(n,)``.
        ends: Lower and upper ends at each of ``_COVERAGES``, ``(4, 2, n)``.
        sign: See ``_sign_of``.
    """
    number = numbered(groups)
    regions = {
        "": np.ones(len(groups), dtype=np.bool_),
        "_head": _are_best(sign * mean_of_each(groups, mean))[number],
        "_best": _are_best(sign * mean_of_each(groups, true))[number],
    }
    return {
        f"coverage_{100 * coverage:.0f}{name}": coverage_of_each(
            groups[mine], true[mine], *both[:, mine]
        )
        for name, mine in regions.items()
        for coverage, both in zip(_COVERAGES, ends, strict=True)
    }


def _are_best(values: FloatArray) -> npt.NDArray[np.bool_]:
    """Return which of n values are the tenth that is largest, at least one, ``(n,)``."""
    best = np.zeros(len(values), dtype=np.bool_)
    best[np.argsort(-values, kind="stable")[: max(1, round(_BEST * len(values)))]] = True
    return best


def _ends(held: OutOfFold, ranges: TargetRanges) -> FloatArray:
    """Return the ends of intervals at ``_COVERAGES``, ``(4, 2, n, m)``.

    Those of a fold are calibrated on the others.
    """
    ends = np.empty((len(_COVERAGES), 2, *held.mean.shape))
    for fold in range(held.folds.max() + 1):
        mine = held.folds == fold
        # With its own fold too, the interval of a cell would know the cell's residual.
        calibration = held.calibrate(without=fold)
        mean, std = held.mean[mine], held.std[mine]
        middle = calibration.middles(mean, std)
        for place, coverage in enumerate(_COVERAGES):
            half = calibration.half_widths(mean, std, coverage=coverage)
            ends[place][:, mine] = ranges.interval(mean, half, middle)
    return ends

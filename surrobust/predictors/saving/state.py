"""What a fitted predictor remembers besides its weights, and its columns."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ..._checks import brief
from ..._files import parse_json
from ..._tensors import LARGEST_VALUE, pack_tensors, take_tensor, unpack_tensors
from ...encodings import Columns, twin_groups
from ...errors import InvalidInputError, InvalidModelError
from ...spaces import Architecture
from ...typing import FloatArray, IntArray
from ..conformal import Calibration
from ..local_quantiles import BEND_AT, LARGEST_BEND
from ..ranges import TargetRanges
from ..repeats import cell_groups


@dataclass(frozen=True)
class OutOfFold:
    """Predictions of the training cells by models that did not see them.

    Args:
        cells: The architecture of each training row, n of them.
        folds: Fold of each row, shape ``(n,)``; -1 throughout if there were too few cells.
        true: Measured values, ``(n, m)``.
        mean: Predictions, ``(n, m)``.
        std: The models' standard deviations, ``(n, m)``.
    """

    cells: Sequence[Architecture]
    folds: IntArray
    true: FloatArray
    mean: FloatArray
    std: FloatArray

    @classmethod
    def of(
        cls,
        cells: Sequence[Architecture],
        folds: IntArray,
        true: FloatArray,
        predict: Callable[[IntArray, IntArray], tuple[FloatArray, FloatArray]],
    ) -> "OutOfFold":
        """Predict each fold by a model of the others.

        Args:
            cells: The architecture of each row, n of them.
            folds: Fold of each row, ``(n,)``.
            true: Measured values, ``(n, m)``.
            predict: From positions of training and held-out cells to means and standard
                deviations of the latter.
        """
        mean, std = np.full_like(true, np.nan), np.full_like(true, np.nan)
        for fold in range(folds.max(initial=-1) + 1):
            test = np.flatnonzero(folds == fold)
            mean[test], std[test] = predict(np.flatnonzero(folds != fold), test)
        return cls(cells, folds, true, mean, std)

    @cached_property
    def groups(self) -> IntArray:
        """What cell each row measures, ``(n,)``, see ``cell_groups``."""
        return cell_groups(self.cells)

    @cached_property
    def forms(self) -> IntArray:
        """Which architecture each row measures, ``(n,)``."""
        return np.array([cell.index for cell in self.cells], dtype=np.int64)

    def calibrate(self, *, without: int | None = None) -> Calibration:
        """Return the calibration by all cells that were predicted, or those of the other folds."""
        used = self.folds >= 0
        if without is not None:
            used &= self.folds != without
        residuals = (self.true - self.mean)[used]
        return Calibration.from_residuals(
            residuals,
            self.std[used],
            self.mean[used],
            groups=self.groups[used],
            forms=self.forms[used],
        )


@dataclass(frozen=True)
class FittedState:
    """The part of a fitted predictor that does not depend on its kind.

    Args:
        targets: Names of the m targets.
        is_single: Whether it was fitted to values of shape ``(n,)``, so ``m == 1``.
        n_train: Training rows.
        trained: Representatives of the training cells, ascending indices.
        ranges: What values the targets can have.
        calibration: None if there are no intervals.
        out_of_fold: None if there are no intervals, and after loading.
        is_fresh: Whether a cell was predicted without a twin of it in training, ``(n,)``; None
            like ``out_of_fold``.
    """

    targets: tuple[str, ...]
    is_single: bool
    n_train: int
    trained: IntArray
    ranges: TargetRanges
    calibration: Calibration | None
    out_of_fold: OutOfFold | None
    is_fresh: npt.NDArray[np.bool_] | None

    @classmethod
    def of(
        cls,
        cells: Sequence[Architecture],
        targets: tuple[str, ...],
        is_single: bool,
        ranges: TargetRanges,
        out_of_fold: OutOfFold | None,
    ) -> "FittedState":
        """Remember a fit."""
        trained = np.unique(cell_groups(cells))
        calibration = is_fresh = None
        if out_of_fold is not None:
            calibration = out_of_fold.calibrate()
            is_fresh = _without_twin(cells, out_of_fold.folds)
        n = len(cells)
        return cls(targets, is_single, n, trained, ranges, calibration, out_of_fold, is_fresh)


def as_identity(kind: str, options: Mapping[str, Any]) -> str:
    """Return kind and options as the text that card and weights must agree on."""
    return json.dumps({"kind": kind, "options": dict(options)}, sort_keys=True)


def _without_twin(cells: Sequence[Architecture], folds: IntArray) -> npt.NDArray[np.bool_]:
    """Return whether all twins of a cell share its fold, ``(n,)``."""
    if not cells:
        return np.empty(0, dtype=np.bool_)
    groups = np.unique(twin_groups(cells), return_inverse=True)[1]
    least, largest = np.full(groups.max() + 1, folds.max()), np.full(groups.max() + 1, -1)
    # Twins are in one fold where the least and the largest of their folds agree.
    np.minimum.at(least, groups, folds)
    np.maximum.at(largest, groups, folds)
    same: npt.NDArray[np.bool_] = (least == largest)[groups]
    return same


def pack_state(state: FittedState, *, identity: str) -> bytes:
    """Return the state as a safetensors file that knows whose it is.

    Args:
        state: What to write; all but the out-of-fold predictions.
        identity: What card and weights must agree on.
    """
    tensors: dict[str, np.ndarray] = {
        # A safetensors file has no text, so texts are bytes.
        "identity": np.frombuffer(identity.encode(), dtype=np.uint8),
        "targets": np.frombuffer(json.dumps(state.targets).encode(), dtype=np.uint8),
        # Indices go up to 15624.
        "trained": state.trained.astype(np.int16),
        "n_train": np.array([state.n_train], dtype=np.int64),
        "is_single": np.array([state.is_single]),
        "in_range": state.ranges.kept,
        "smallest": state.ranges.smallest,
    }
    if state.calibration is not None:
        tensors |= {
            name: getattr(state.calibration, name)
            for name in ("scores", "floors", "levels", "factors", "shifts")
        }
        if len(state.calibration.bends):  # versions before them had levels without
            tensors["bends"] = state.calibration.bends
    return pack_tensors(tensors)


def unpack_state(
    content: bytes, *, identity: str, targets: Sequence[str], is_calibrated: bool
) -> FittedState:
    """Read a state.

    Args:
        content: What :func:`pack_state` gave.
        identity: What the card says; must be what the state was written with.
        targets: Likewise.
        is_calibrated: Whether there must be a calibration.

    Raises:
        InvalidModelError: If it is damaged or belongs to another card.
    """
    tensors = unpack_tensors(content, name="state.safetensors")
    for key, expected in (("identity", identity), ("targets", json.dumps(list(targets)))):
        written = take_tensor(tensors, key, dtype="uint8", shape=(None,)).tobytes()
        if written != expected.encode():
            msg = f"card.json: expected the {key} that the weights were saved with, got another"
            raise InvalidModelError(msg)
    trained = take_tensor(tensors, "trained", dtype="int16", shape=(None,))
    n_train = int(take_tensor(tensors, "n_train", dtype="int64", shape=(1,))[0])
    is_single = bool(take_tensor(tensors, "is_single", dtype="bool", shape=(1,))[0])
    ranges = _unpack_ranges(tensors, targets)
    calibration = _unpack_calibration(tensors, len(targets)) if is_calibrated else None
    if is_single and len(targets) != 1:
        msg = f"card.json: expected one target, got {len(targets)}"
        raise InvalidModelError(msg)
    return FittedState(
        tuple(targets),
        is_single,
        n_train,
        trained.astype(np.int64),
        ranges,
        calibration,
        None,
        None,
    )


def _unpack_ranges(tensors: Mapping[str, np.ndarray], targets: Sequence[str]) -> TargetRanges:
    """Return the ranges of the targets.

    Raises:
        InvalidModelError: If they are damaged.
    """
    m = len(targets)
    if not {"in_range", "smallest"} & tensors.keys():  # older versions wrote neither
        return TargetRanges.of(targets, np.empty((0, m)))
    kept = take_tensor(tensors, "in_range", dtype="bool", shape=(m,))
    smallest = take_tensor(tensors, "smallest", dtype="float64", shape=(m,), most=LARGEST_VALUE)
    return TargetRanges(tuple(targets), kept, smallest)


def _unpack_calibration(tensors: Mapping[str, np.ndarray], n_targets: int) -> Calibration:
    """Return the calibration for that many targets.

    Raises:
        InvalidModelError: If it is damaged.
    """
    many: dict[str, Any] = {"shape": (None, n_targets), "most": LARGEST_VALUE}
    scores = take_tensor(tensors, "scores", dtype="float32", **many)
    floors = take_tensor(tensors, "floors", dtype="float64", shape=(n_targets,), most=LARGEST_VALUE)
    if (np.diff(scores, axis=0) < 0).any() or (scores < 0).any() or (floors <= 0).any():
        msg = "state.safetensors: expected ascending scores and positive floors, got others"
        raise InvalidModelError(msg)
    levels = factors = np.empty((0, n_targets))
    if {"levels", "factors"} & tensors.keys():  # older versions wrote neither
        levels = take_tensor(tensors, "levels", dtype="float64", **many)
        factors = take_tensor(tensors, "factors", dtype="float64", shape=levels.shape)
    shifts = np.zeros_like(levels)  # intervals of older folders are around the predicted values
    if "shifts" in tensors:
        wanted: dict[str, Any] = {"shape": levels.shape, "most": LARGEST_VALUE}
        shifts = take_tensor(tensors, "shifts", dtype="float64", **wanted)
    bends = np.empty((0, 0, n_targets), dtype=np.float32)
    if "bends" in tensors:
        shape = (len(BEND_AT), *levels.shape) if len(levels) else bends.shape
        bends = take_tensor(tensors, "bends", dtype="float32", shape=shape, most=LARGEST_BEND)
    if (np.diff(levels, axis=0) < 0).any() or (factors <= 0).any() or (bends <= 0).any():
        msg = "state.safetensors: expected ascending levels and positive factors, got others"
        raise InvalidModelError(msg)
    return Calibration(scores, floors, levels, factors, shifts, bends)


COLUMNS_FILE = "columns.safetensors"


def pack_columns(columns: Columns) -> bytes:
    """Return columns as a safetensors file, what is unknown as a mask."""
    known = ~np.isnan(columns.numbers)
    names = np.frombuffer(json.dumps(columns.names).encode(), dtype=np.uint8)
    return pack_tensors(
        {
            "names": names,
            "widths": np.array(columns.widths, dtype=np.int64),
            # Reading refuses what is not finite, so NaN is written apart.
            "numbers": np.where(known, columns.numbers, 0.0),
            "known": known,
        }
    )


def unpack_columns(content: bytes, reference: Any) -> Columns:
    """Read columns.

    Args:
        content: What :func:`pack_columns` gave.
        reference: What the card says of them.

    Raises:
        InvalidModelError: If they are damaged or not those of the reference.
    """
    tensors = unpack_tensors(content, name=COLUMNS_FILE)
    text = take_tensor(tensors, "names", dtype="uint8", shape=(None,)).tobytes()
    widths = take_tensor(tensors, "widths", dtype="int64", shape=(None,))
    most = np.finfo(np.float64).max  # of the user's numbers only the order counts
    numbers = take_tensor(tensors, "numbers", dtype="float64", shape=(None, None), most=most)
    known = take_tensor(tensors, "known", dtype="bool", shape=numbers.shape)
    try:
        names = tuple(map(str, parse_json(text.decode(), name=COLUMNS_FILE)))
        columns = Columns(names, np.where(known, numbers, np.nan), tuple(widths.tolist()))
    except (ValueError, TypeError, InvalidInputError) as error:
        msg = f"{COLUMNS_FILE}: expected columns, got: {error}"
        raise InvalidModelError(msg) from None
    if not isinstance(reference, Mapping) or dict(reference) != columns.reference:
        msg = f"card.json: expected the columns that the weights hold, got {brief(reference)}"
        raise InvalidModelError(msg)
    return columns

"""What a fitted predictor remembers besides its weights."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..._parts import tensor, unsaved
from ...encodings import twin_groups
from ...errors import InvalidModelError
from ...spaces import Architecture
from ...typing import FloatArray, IntArray
from ..conformal import Calibration
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
        is_single: Whether it was fitted to values of shape ``(n,)``, so ``m == 1``.
        n_train: Training rows.
        ranges: What values the m targets can have, and their names.
        calibration: None if there are no intervals.
        trained: Representatives of the training cells, ascending indices, ``(c,)`` int16.
        out_of_fold: None if there are no intervals, and after loading.
        is_fresh: Whether a cell was predicted without a twin of it in training, ``(n,)``; None
            like ``out_of_fold``.
    """

    is_single: bool
    n_train: int
    ranges: TargetRanges
    calibration: Calibration | None
    # Indices go up to 15624.
    trained: np.ndarray = tensor("int16", "_trained")
    out_of_fold: OutOfFold | None = unsaved()
    is_fresh: npt.NDArray[np.bool_] | None = unsaved()

    @classmethod
    def of(
        cls,
        cells: Sequence[Architecture],
        is_single: bool,
        ranges: TargetRanges,
        out_of_fold: OutOfFold | None,
    ) -> "FittedState":
        """Remember a fit."""
        trained = np.unique(cell_groups(cells)).astype(np.int16)
        calibration = is_fresh = None
        if out_of_fold is not None:
            calibration = out_of_fold.calibrate()
            is_fresh = _without_twin(cells, out_of_fold.folds)
        return cls(is_single, len(cells), ranges, calibration, trained, out_of_fold, is_fresh)

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the m targets."""
        return self.ranges.targets

    def check(self) -> None:
        """Refuse several targets where values were of one.

        Raises:
            InvalidModelError: If there are.
        """
        if self.is_single and len(self.targets) != 1:
            msg = f"state: expected one target, got {len(self.targets)}"
            raise InvalidModelError(msg)


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

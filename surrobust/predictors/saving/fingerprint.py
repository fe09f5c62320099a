"""A predictor's fingerprint: what it says of three cells, on its card, compared when it is loaded.

A checksum tells that a file is the one that the card names, whoever wrote the card. The fingerprint
tells that what was read predicts what was saved: not where weights or card were changed since, nor
where another version of a library reads the same bytes otherwise.

Other processors and versions round otherwise. Of predictions that is some 1e-6 of an interval, of
standard deviations, small differences of large numbers, a percent at worst: a tenth of half an
interval is well above both, and below what the predictor is sure of. Trees could differ by more,
where rounding takes a cell over a threshold; of these cells no feature is that near to rounding
otherwise in single precision, in which trees compare.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from ..._checks import brief
from ...errors import InvalidModelError
from ...spaces import NASBench201
from ...typing import FloatArray
from ..inputs import check_moments

if TYPE_CHECKING:
    from ..base import AbstractPredictor

CELLS = (2581, 7000, 13488)
"""Indices of the cells."""

_COVERAGE = 0.9
_OF_SPREAD, _OF_MEAN, _ANYWAY = 0.1, 1e-6, 1e-12
"""How far predictions may be apart, in shares of the spread and of themselves, and in any case."""


class Fingerprint(BaseModel):
    """Predictions as they are on a card: for each cell one number for each of m targets.

    They are what the weights say, whatever a target's range is.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    cells: list[int] = Field(min_length=1, max_length=16)
    """Indices of k cells."""

    mean: list[list[float]]
    """Predictions, k rows."""

    spread: list[list[float]]
    """By how much 90 % intervals end above them; the standard deviation where there are none."""

    @classmethod
    def of(cls, predictor: "AbstractPredictor") -> "Fingerprint":
        """Ask a fitted predictor.

        Raises:
            InvalidModelError: If it answers with anything but finite numbers.
        """
        mean, spread = moments_of(predictor)
        return cls(cells=list(CELLS), mean=_rounded(mean), spread=_rounded(spread))

    def check(self, predictor: "AbstractPredictor") -> None:
        """Compare with what a predictor says now.

        Raises:
            InvalidModelError: If that is something else.
        """
        shape = len(self.cells), len(predictor.targets)
        rows = (self.mean, self.spread)
        if not all(len(part) == shape[0] and {*map(len, part)} == {shape[1]} for part in rows):
            msg = f"card.json: expected a fingerprint of shape {shape}, got another"
            raise InvalidModelError(msg)
        mean, spread = np.array(self.mean), np.array(self.spread)
        tolerance = _OF_SPREAD * spread + _OF_MEAN * np.abs(mean) + _ANYWAY
        found = moments_of(predictor, self.cells)
        for what, got, expected in zip(("mean", "spread"), found, (mean, spread), strict=True):
            # Not >, which NaN would pass.
            for row, column in np.argwhere(~(np.abs(got - expected) <= tolerance))[:1]:
                wanted = f"a {what} of {expected[row, column]:.6g} as in its fingerprint"
                of = f"{brief(predictor.targets[column])} of cell {self.cells[row]}"
                msg = f"card.json: expected {wanted}, got {got[row, column]:.6g} for {of}"
                raise InvalidModelError(msg)


def moments_of(
    predictor: "AbstractPredictor", indices: Sequence[int] = CELLS
) -> tuple[FloatArray, FloatArray]:
    """Return a fitted predictor's means and spreads of k cells, both ``(k, m)``.

    Raises:
        InvalidModelError: If it does not answer with finite numbers.
    """
    state, name = predictor._fitted(), type(predictor).__name__
    try:
        cells = [NASBench201()[index] for index in indices]
        with np.errstate(all="ignore"):
            mean, _, std = predictor._asked(cells)
            above = std
            if state.calibration is not None:
                half = state.calibration.half_widths(mean, std, coverage=_COVERAGE)
                above = state.calibration.middles(mean, std) - mean + half
    except (ArithmeticError, ValueError, LookupError, RuntimeError) as error:
        msg = f"{name}: expected weights that predict, got: {brief(str(error))}"
        raise InvalidModelError(msg) from None
    # With few cells intervals are infinite, whatever the weights.
    spread = np.where(np.isposinf(above), std, above)
    check_moments(name, mean, spread, shape=(len(cells), len(state.targets)))
    return mean, spread


def _rounded(moment: FloatArray) -> list[list[float]]:
    # Eight digits are far more than the comparison needs, and keep cards short.
    return [[float(f"{value:.8g}") for value in row] for row in moment]

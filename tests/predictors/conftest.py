"""Small predictors of every kind, fitted once."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from surrobust.predictors import AbstractPredictor, make_predictor
from surrobust.spaces import Architecture

SMALL: dict[str, dict[str, Any]] = {
    "xgboost": {"trees": 30},
    "random_forest": {"trees": 20},
    "default": {"trees": 30},
    "ensemble": {"trees": 30, "members": 2, "updates": 10},
    "gnn": {"members": 2, "updates": 10},
}
"""Options that make a kind fast enough to be fitted many times."""


def make_small(kind: str, **options: Any) -> AbstractPredictor:
    return make_predictor(kind, **{"calibration_folds": 3, **SMALL.get(kind, {}), **options})


@pytest.fixture(scope="session")
def many_values(toy_values: np.ndarray) -> np.ndarray:
    """Three targets of the toy cells, the last one constant."""
    return np.stack([toy_values, -(toy_values**2), np.full_like(toy_values, 0.1)], axis=1)


@pytest.fixture(scope="session")
def fitted(
    toy_cells: list[Architecture], toy_values: np.ndarray, many_values: np.ndarray
) -> Callable[[str, int], AbstractPredictor]:
    """``fitted(kind, m)``: a small predictor of one or three targets; not to be refitted."""
    made: dict[tuple[str, int], AbstractPredictor] = {}

    def get(kind: str, m: int = 1) -> AbstractPredictor:
        if (kind, m) not in made:
            made[kind, m] = make_small(kind).fit(toy_cells, toy_values if m == 1 else many_values)
        return made[kind, m]

    return get

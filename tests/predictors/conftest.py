"""Small predictors of every kind, fitted once."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from surrobust.predictors import AbstractPredictor, make_predictor
from surrobust.testing.predictors import training_cells, training_values

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
def many_values() -> np.ndarray:
    """Three targets of the toy cells, the last one constant."""
    return training_values(3)


@pytest.fixture(scope="session")
def fitted() -> Callable[..., AbstractPredictor]:
    """``fitted(kind, m)``: a small predictor of one or three targets; not to be refitted."""
    return cache(lambda kind, m=1: make_small(kind).fit(training_cells(), training_values(m)))

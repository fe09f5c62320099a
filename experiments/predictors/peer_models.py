"""Predictors of others by name: which columns they read, and how they are made.

Each is asked for by ``PEERS[name](seed)``, has ``fit(X, y)`` and ``predict(X)``, and reads the
columns that ``COLUMNS`` of its name's end says. A library is imported when it is asked for.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from graf_columns import graf_columns

from surrobust import Architecture
from surrobust.encodings import OneHotEncoder
from surrobust.typing import FloatArray


class Model(Protocol):
    def fit(self, X: FloatArray, y: FloatArray) -> Any: ...  # noqa: N803
    def predict(self, X: FloatArray) -> FloatArray: ...  # noqa: N803


def columns(kind: str, cells: Sequence[Architecture], graf: Path | None) -> FloatArray:
    """Return ``(n, 30)`` one-hot edges, or for ``graf`` GRAF's columns with these beside them."""
    edges = OneHotEncoder().encode(cells)
    if kind == "one-hot":
        return edges
    if graf is None:
        msg = "--graf: expected the folder of a checkout of gabikadlecova/GRAF, got nothing"
        raise SystemExit(msg)
    return np.hstack([graf_columns(cells, graf), edges])


def graf_xgb(seed: int) -> Model:
    from xgboost import XGBRegressor

    return XGBRegressor(
        n_estimators=500, max_depth=4, learning_rate=0.05, random_state=seed, n_jobs=1
    )


def graf_rf(seed: int) -> Model:
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(n_estimators=100, random_state=seed, n_jobs=1)


class NaslibLightGBM:
    """LightGBM with the settings of NASLib's ``LGBoost`` (Luo et al., arXiv:2007.04785)."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def fit(self, X: FloatArray, y: FloatArray) -> "NaslibLightGBM":  # noqa: N803
        """Fit 500 rounds to standardised values."""
        import lightgbm

        self._mean, self._sd = float(np.mean(y)), float(np.std(y))
        settings = {
            "objective": "regression",
            "num_leaves": 31,
            "learning_rate": 0.05,
            "min_data_in_leaf": 5,
            "feature_fraction": 0.9,
            "bagging_fraction": 0.8,
            "bagging_freq": 5,
            "seed": self._seed,
            "num_threads": 1,
            "verbose": -1,
        }
        rows = lightgbm.Dataset(X, label=(y - self._mean) / self._sd)
        self._booster = lightgbm.train(settings, rows, num_boost_round=500)
        return self

    def predict(self, X: FloatArray) -> FloatArray:  # noqa: N803
        """Return values in the unit of those that were fitted."""
        return np.asarray(self._booster.predict(X)) * self._sd + self._mean


PEERS: dict[str, tuple[str, Callable[[int], Model]]] = {
    "graf/xgb": ("graf", graf_xgb),
    "graf/rf": ("graf", graf_rf),
    "lightgbm": ("one-hot", NaslibLightGBM),
}
"""Columns and maker of every peer."""

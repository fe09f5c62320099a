"""Predictors of others by name: which columns they read, and how they are made.

``PEERS[name](cells, folder)`` returns a peer's columns of all cells and what makes one from a seed,
with ``fit(X, y)`` and ``predict(X)``. A library is imported when it is asked for.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from experiments.predictors.graf_columns import graf_columns
from experiments.predictors.nasbowl import WeisfeilerLehmanProcess, normalised_columns
from surrobust import Architecture
from surrobust.encodings import OneHotEncoder
from surrobust.typing import FloatArray, IntArray

if TYPE_CHECKING:
    import pandas as pd

SECONDS = 180
"""What AutoGluon may take to fit."""
PRESETS = "medium_quality"
"""AutoGluon's: an ensemble of models, each fitted once."""


class Model(Protocol):
    def fit(self, X: FloatArray, y: FloatArray) -> Any: ...  # noqa: N803
    def predict(self, X: FloatArray) -> FloatArray: ...  # noqa: N803


def one_hot(cells: Sequence[Architecture], _: Path | None) -> FloatArray:
    """Return which op each edge has, ``(n, 30)``."""
    return OneHotEncoder().encode(cells)


def graf(cells: Sequence[Architecture], folder: Path | None) -> FloatArray:
    """Return GRAF's columns with one-hot edges beside them, ``(n, 221)``."""
    if folder is None:
        msg = "--graf: expected the folder of a checkout of gabikadlecova/GRAF, got nothing"
        raise SystemExit(msg)
    return _graf_beside_edges(tuple(cells), folder)


@cache
def _graf_beside_edges(cells: tuple[Architecture, ...], folder: Path) -> FloatArray:
    return np.hstack([graf_columns(cells, folder), one_hot(cells, None)])


def graf_xgb(seed: int) -> Model:
    from xgboost import XGBRegressor

    return XGBRegressor(
        n_estimators=500, max_depth=4, learning_rate=0.05, random_state=seed, n_jobs=1
    )


def subsampled_xgb(seed: int) -> Model:
    """Return the same with 80 % of the cells and half of the columns a tree."""
    from xgboost import XGBRegressor

    return XGBRegressor(
        n_estimators=500,
        max_depth=4,
        learning_rate=0.05,
        subsample=0.8,
        colsample_bytree=0.5,
        random_state=seed,
        n_jobs=1,
    )


def graf_rf(seed: int) -> Model:
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(n_estimators=100, random_state=seed, n_jobs=1)


def catboost(seed: int) -> Model:
    from catboost import CatBoostRegressor

    return CatBoostRegressor(
        random_seed=seed, thread_count=1, verbose=False, allow_writing_files=False
    )


class LightGBM:
    """LightGBM, 500 rounds to standardised values, by default with NASLib's other settings.

    Those of its ``LGBoost`` (Luo et al., arXiv:2007.04785).
    """

    def __init__(self, seed: int, **settings: float) -> None:
        self._settings = {
            "objective": "regression",
            "num_leaves": 31,
            "learning_rate": 0.05,
            "min_data_in_leaf": 5,
            "feature_fraction": 0.9,
            "bagging_fraction": 0.8,
            "bagging_freq": 5,
            "seed": seed,
            "num_threads": 1,
            "verbose": -1,
            **settings,
        }

    def fit(self, X: FloatArray, y: FloatArray) -> "LightGBM":  # noqa: N803
        """Fit to values ``(n,)``."""
        import lightgbm

        self._mean, self._sd = float(np.mean(y)), float(np.std(y))
        rows = lightgbm.Dataset(X, label=(y - self._mean) / self._sd)
        self._booster = lightgbm.train(self._settings, rows, num_boost_round=500)
        return self

    def predict(self, X: FloatArray) -> FloatArray:  # noqa: N803
        """Return values in the unit of those that were fitted."""
        return np.asarray(self._booster.predict(X)) * self._sd + self._mean


class TunedLightGBM:
    """LightGBM with the best of twelve settings by three folds of the training cells.

    The first is NASLib's default, the others are drawn; the smallest squared error wins.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def fit(self, X: FloatArray, y: FloatArray) -> LightGBM:  # noqa: N803
        """Choose, then fit to all values ``(n,)``."""
        rng = np.random.default_rng(self._seed)
        tried = [{}, *(_drawn(rng) for _ in range(11))]
        folds = np.array_split(rng.permutation(len(y)), 3)
        errors = [sum(self._error(X, y, fold, one) for fold in folds) for one in tried]
        return LightGBM(self._seed, **tried[int(np.argmin(errors))]).fit(X, y)

    def _error(
        self,
        X: FloatArray,  # noqa: N803
        y: FloatArray,
        fold: IntArray,
        settings: dict[str, float],
    ) -> float:
        rest = np.setdiff1d(np.arange(len(y)), fold)
        predicted = LightGBM(self._seed, **settings).fit(X[rest], y[rest]).predict(X[fold])
        return float(np.sum((predicted - y[fold]) ** 2))


def _drawn(rng: np.random.Generator) -> dict[str, float]:
    """Return settings as NASLib draws them, with the smallest leaf drawn as well."""
    return {
        "num_leaves": int(rng.integers(4, 64)),
        "learning_rate": float(np.exp(rng.uniform(np.log(0.005), np.log(0.2)))),
        "min_data_in_leaf": int(rng.integers(1, 11)),
        "feature_fraction": float(rng.uniform(0.1, 1.0)),
        "bagging_fraction": float(rng.uniform(0.5, 1.0)),
    }


class AutoGluon:
    """AutoGluon-Tabular, given a time to fit in and one core."""

    def __init__(self, _: int) -> None:
        """Take no seed: its models have fixed ones."""

    def fit(self, X: FloatArray, y: FloatArray) -> "AutoGluon":  # noqa: N803
        """Fit to values ``(n,)``."""
        from autogluon.tabular import TabularPredictor

        self._folder = TemporaryDirectory()
        model = TabularPredictor(
            label="value", problem_type="regression", path=self._folder.name, verbosity=0
        )
        self._model = model.fit(
            _frame(X).assign(value=y),
            presets=PRESETS,
            time_limit=SECONDS,
            num_cpus=1,
            num_gpus=0,
        )
        return self

    def predict(self, X: FloatArray) -> FloatArray:  # noqa: N803
        """Return the predictions of its best ensemble."""
        return np.asarray(self._model.predict(_frame(X), as_pandas=False))


def _frame(X: FloatArray) -> "pd.DataFrame":  # noqa: N803
    import pandas as pd

    return pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])])


Prepared = tuple[FloatArray | IntArray, Callable[[int], Model]]


def read_by(columns: Callable[..., FloatArray], make: Callable[[int], Model]) -> "Prepare":
    return lambda cells, folder: (columns(cells, folder), make)


def nasbowl(most_noise: float) -> "Prepare":
    """Return NAS-BOWL's process, which reads graphs: its ``X`` are positions of cells."""

    def prepare_graphs(cells: Sequence[Architecture], _: Path | None) -> Prepared:
        counts = normalised_columns(cells)
        make = partial(WeisfeilerLehmanProcess, counts, most_noise=most_noise)
        return np.arange(len(cells)), lambda _: make()

    return prepare_graphs


Prepare = Callable[[Sequence[Architecture], Path | None], Prepared]
"""From all cells and the folder of GRAF to a peer's columns and what makes it from a seed."""
PEERS: dict[str, Prepare] = {
    "graf/xgb": read_by(graf, graf_xgb),
    "graf/xgb-subsampled": read_by(graf, subsampled_xgb),
    "graf/rf": read_by(graf, graf_rf),
    "graf/catboost": read_by(graf, catboost),
    "graf/lightgbm-tuned": read_by(graf, TunedLightGBM),
    "graf/autogluon": read_by(graf, AutoGluon),
    "catboost": read_by(one_hot, catboost),
    "lightgbm": read_by(one_hot, LightGBM),
    "lightgbm-tuned": read_by(one_hot, TunedLightGBM),
    "nasbowl": nasbowl(0.01),
    "nasbowl/free-noise": nasbowl(1.0),
}
"""Every peer by name; ``graf/`` reads GRAF's columns and one-hot edges, others one-hot edges."""

"""The protocol: which cells train and which test, the score of a predictor, the baseline."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import metrics
from ...errors import InvalidInputError
from ...predictors import PREDICTORS, make_predictor
from ...predictors.repeats import cell_groups
from ...processes.metric import metric_without
from ...spaces import Architecture, count_parameters
from ...tables import load_table
from ...targets import Target
from ...typing import AnyPath, FloatArray, IntArray

HEAD = 100
"""Size of the head of a ranking."""

TARGETS = (
    "nas-robbench-201/cifar10/pgd-8",
    "nas-robbench-201/cifar10/autoattack-8",
    "nas-robbench-201/cifar100/pgd-8",
    "nas-robbench-201/imagenet16-120/autoattack-8",
    "jung2023/cifar10/pgd-1",
    "jung2023/cifar10/apgd-ce-1",
    "jung2023/cifar10/corruptions",
    "jung2023/cifar100/fgsm-1",
)
"""The eight targets on which predictors and searches are compared."""

TRAINING_SIZES = (20, 50, 100, 200, 500, 1000, 5000)
"""N of the learning curves."""


@dataclass(frozen=True, slots=True)
class Score:
    """One predictor fitted on one split of one target, judged on the held-out cells."""

    predictor: str
    target: str
    n_train: int
    seed: int
    kendall_tau: float
    spearman: float
    r2: float
    rmse: float
    precision_at_100: float
    fit_seconds: float
    predict_seconds: float

    @property
    def key(self) -> tuple[str, str, int, int]:
        """What was measured, without the numbers."""
        return self.predictor, self.target, self.n_train, self.seed


def split(
    n: int, *, n_train: int, seed: int, groups: IntArray | None = None
) -> tuple[IntArray, IntArray]:
    """Return positions ``(n_train,)`` to train on and those to test on, all others.

    Args:
        n: How many rows there are.
        n_train: Rows to train on.
        seed: Of the shuffle.
        groups: What counts as one cell, ``(n,)``, see ``cell_groups``: rows of a cell that is
            trained on are not tested on, so that those are fewer. None where each is its own.

    Raises:
        InvalidInputError: If ``n_train`` does not leave at least two cells on both sides.
    """
    if not 2 <= n_train <= n - 2:
        msg = f"n_train: expected 2..{n - 2}, got {n_train}"
        raise InvalidInputError(msg)
    # The peers' split to the last cell: no group may change the draw.
    order = np.random.default_rng(seed).permutation(n)
    train, test = order[:n_train], order[n_train:]
    if groups is None:
        return train, test
    # From the test only: who trains on N rows gets N.
    test = test[~np.isin(groups[test], groups[train])]
    if len(test) < 2:
        msg = f"n_train: expected to leave 2 cells that are not isomorphic to any of {n_train}"
        raise InvalidInputError(f"{msg}, got {len(test)}")
    return train, test


def measured_cells(
    target: str, *, data_dir: AnyPath | None = None
) -> tuple[list[Architecture], FloatArray]:
    """Return the cells on which a target was measured, by ascending index, and the values."""
    table = load_table(Target.parse(target).benchmark, data_dir=data_dir)
    values = table.values(target)
    there = np.flatnonzero(np.isfinite(values))
    return [table.architectures[i] for i in there], values[there]


def score_predictor(
    name: str,
    target: str,
    *,
    n_train: int,
    seed: int,
    options: Mapping[str, Any] | None = None,
    data_dir: AnyPath | None = None,
) -> Score:
    """Fit one predictor on one split and judge it on all other measured cells.

    Where isomorphic cells were measured each on its own, those of a training cell are left out.
    The predictor sees the training cells and their values of this one target, nothing else; where
    its distances of cells are learnt, another benchmark has taught them (:func:`fair_options`).

    Args:
        name: A registered name, or ``BASELINE``.
        target: Target key.
        n_train: Training cells.
        seed: Of the split and of the predictor.
        options: The predictor's own arguments.
        data_dir: Where the tables are.

    Raises:
        InvalidInputError: If the name, an option, the target or ``n_train`` is not possible.
    """
    cells, values = measured_cells(target, data_dir=data_dir)
    groups = cell_groups(cells)
    train, test = split(len(cells), n_train=n_train, seed=seed, groups=groups)
    held_out, true = [cells[i] for i in test], values[test]
    # Without intervals, which would cost five more fits and change no prediction.
    model = (
        ParameterCount()
        if name == BASELINE
        else make_predictor(name, seed=seed, **{**fair_options(name, target), **(options or {})})
    )
    start = time.perf_counter()
    model.fit([cells[i] for i in train], values[train])
    fitted = time.perf_counter()
    predicted = model.predict(held_out)
    done = time.perf_counter()
    # The line may fall, by few training cells; the baseline is that more parameters rank higher.
    ranking = model.rank(held_out) if isinstance(model, ParameterCount) else predicted
    # The head is that of the best: the lowest latencies.
    sign = 1.0 if Target.parse(target).higher_is_better else -1.0
    return Score(
        predictor=name,
        target=target,
        n_train=n_train,
        seed=seed,
        kendall_tau=metrics.kendall_tau(true, ranking),
        spearman=metrics.spearman_rho(true, ranking),
        r2=metrics.r2_score(true, predicted),
        rmse=metrics.rmse(true, predicted),
        precision_at_100=metrics.precision_at(sign * true, sign * ranking, k=min(HEAD, len(true))),
        fit_seconds=fitted - start,
        predict_seconds=done - fitted,
    )


def fair_options(name: str, target: str) -> dict[str, Any]:
    """Return the options of a predictor for which a target's benchmark has not taught anything."""
    found: dict[str, Any] = {"calibration_folds": 0}
    if "metric" in PREDICTORS[name].option_names():
        found["metric"] = metric_without(Target.parse(target).benchmark)
    return found


BASELINE = "parameters"
"""Its name among the predictors of a leaderboard."""


class ParameterCount:
    """One feature, the number of parameters, and a straight line through the training cells."""

    def __init__(self) -> None:
        self._slope = 0.0
        self._offset = 0.0

    def fit(self, cells: Sequence[Architecture], y: FloatArray) -> "ParameterCount":
        """Fit the line by least squares to values ``(n,)``."""
        count = self.rank(cells)
        spread = count - count.mean()
        squares = float(spread @ spread)
        # Training cells of one size tell nothing about the slope.
        self._slope = float(spread @ y) / squares if squares > 0 else 0.0
        self._offset = float(np.mean(y)) - self._slope * float(count.mean())
        return self

    def predict(self, cells: Sequence[Architecture]) -> FloatArray:
        """Return the line's values ``(n,)``, in the unit of the training values."""
        return self._offset + self._slope * self.rank(cells)

    def rank(self, cells: Sequence[Architecture]) -> FloatArray:
        """Return the parameters in millions, ``(n,)``: more is taken to rank higher."""
        return np.array([count_parameters(cell) for cell in cells]) / 1e6

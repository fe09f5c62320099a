"""Hyper-parameters of boosted trees, chosen by cross-validation inside the training cells."""

from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..._random import as_generator
from ...encodings import twin_groups
from ...spaces import Architecture
from ...typing import FloatArray, IntArray
from ..conformal import split_into_folds
from ..repeats import cell_groups, mean_of_each

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optuna import Trial
    from xgboost import Booster, DMatrix

# Of few cells one division is luck: 50 are divided four times.
_FOLDS, _LEFT_OUT, _LEAST_CELLS = 3, 200, 10
"""Folds; cells that should be left out in all, by repetition; cells that are not too few."""

_SPACE: dict[str, tuple[Any, Any, bool]] = {
    "trees": (100, 1000, True),
    "depth": (3, 6, False),
    "learning_rate": (0.02, 0.15, True),
    "subsample": (0.5, 1.0, False),
    "column_share": (0.05, 0.5, True),
    "smallest_leaf": (1.0, 8.0, True),
    "l2": (0.3, 10.0, True),
    "l1": (0.0, 0.3, False),
}
"""Least and largest value of what is searched, and whether on a logarithmic scale."""


@dataclass(frozen=True)
class TreeParameters:
    """What is tuned of a booster, in the words of :class:`BoostedTrees`.

    Args:
        trees: Trees per booster.
        depth: Of each tree.
        learning_rate: Shrinkage of each tree.
        subsample: Share of rows for each tree.
        column_share: Share of columns that each split chooses from.
        smallest_leaf: Least training rows in a leaf.
        l2: Penalty on squared leaf values.
        l1: Penalty on absolute leaf values.
    """

    trees: int
    depth: int
    learning_rate: float
    subsample: float
    column_share: float
    smallest_leaf: float = 1.0
    l2: float = 1.0
    l1: float = 0.0

    @property
    def proposal(self) -> dict[str, float]:
        """The parameters as a trial's, drawn into the space that is searched."""
        return {
            name: type(low)(np.clip(getattr(self, name), low, high))
            for name, (low, high, _) in _SPACE.items()
        }

    @classmethod
    def suggest(cls, trial: "Trial") -> Self:
        """Ask a trial for parameters."""
        found = {}
        for name, (low, high, is_log) in _SPACE.items():
            ask = trial.suggest_int if isinstance(low, int) else trial.suggest_float
            found[name] = ask(name, low, high, log=is_log)
        return cls(**found)

    def as_xgboost(self, seed: int) -> dict[str, Any]:
        """Return xgboost's parameters."""
        return {
            "objective": "reg:squarederror",
            # Scores have mean 0; given, it is not estimated, and a file says nothing else.
            "base_score": 0.0,
            "tree_method": "hist",
            "max_depth": self.depth,
            "eta": self.learning_rate,
            "subsample": self.subsample,
            "colsample_bynode": self.column_share,
            "min_child_weight": self.smallest_leaf,
            "reg_lambda": self.l2,
            "reg_alpha": self.l1,
            "nthread": 1,
            "seed": seed,
            "verbosity": 0,
            "multi_strategy": "multi_output_tree",
        }

    def train(self, data: "DMatrix", seed: int) -> "Booster":
        """Return a booster."""
        import xgboost

        return xgboost.train(self.as_xgboost(seed), data, num_boost_round=self.trees)


def tune(
    rows: np.ndarray,
    scores: FloatArray,
    weights: np.ndarray | None,
    folds: IntArray,
    *,
    start: TreeParameters,
    trials: int,
    seed: int,
    groups: IntArray | None = None,
) -> TreeParameters:
    """Return the parameters that rank left-out cells best, or those to begin with.

    Trials are proposed by a tree of Parzen estimators (Bergstra, Bardenet, Bengio & Kegl,
    "Algorithms for Hyper-Parameter Optimization", NeurIPS 2011), beginning with ``start``; one
    that is worse than half of the others after some folds ends there. The best of many trials is
    best by chance too: unless it beats the first by two standard errors, paired over the cells,
    ``start`` is kept as it is.

    Args:
        rows: Features, ``(n, d)`` float32.
        scores: What is regressed on, ``(n, m)``.
        weights: How readily each feature is chosen, see :func:`as_matrix`.
        folds: Fold of each row, one or more times over, ``(r, n)``.
        start: Parameters to begin with.
        trials: How many, at least 1.
        seed: Of sampler and boosters.
        groups: What cell each row measures, ``(n,)``; None where each is one of its own.
    """
    import optuna

    groups = np.arange(len(rows)) if groups is None else groups

    splits = [labels == fold for labels in folds for fold in range(labels.max() + 1)]
    matrices = [
        tuple(as_matrix(rows[side], scores[side], weights) for side in (~left_out, left_out))
        for left_out in splits
    ]
    losses_of: dict[int, FloatArray] = {}
    rng = as_generator(seed)
    seed_of_sampler, seed_of_boosters = (int(s) for s in rng.integers(0, 2**31 - 1, size=2))

    def objective(trial: "Trial") -> float:
        parameters = TreeParameters.suggest(trial)
        losses = np.zeros(len(rows))
        for step, (left_out, (train, test)) in enumerate(zip(splits, matrices, strict=True)):
            true = scores[left_out]
            # One seed for all trials, so that they differ by their parameters only.
            predicted = parameters.train(train, seed_of_boosters).predict(test)
            losses[left_out] += discordance(true, predicted.reshape(true.shape)) / len(folds)
            # The sum so far: trials are compared after the same folds.
            trial.report(mean_of_each(groups, losses).sum(), step)
            if trial.should_prune():
                raise optuna.TrialPruned
        losses_of[trial.number] = mean_of_each(groups, losses)
        return float(losses_of[trial.number].mean())

    with _quiet(optuna):
        study = optuna.create_study(
            sampler=optuna.samplers.TPESampler(seed=seed_of_sampler, n_startup_trials=10),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=0),
        )
        # First, so that trial 0 is what the others have to beat.
        study.enqueue_trial(start.proposal)
        study.optimize(objective, n_trials=trials)
    gain = losses_of[0] - losses_of[study.best_trial.number]
    if gain.mean() <= 2 * gain.std() / np.sqrt(len(gain)):
        return start
    return TreeParameters(**study.best_params)


def discordance(true: FloatArray, predicted: FloatArray) -> FloatArray:
    """Return the share of other rows that each row is ordered wrongly to, mean over targets.

    Squared errors are led by the few cells whose training collapsed; Kendall's tau is not.

    Args:
        true: Shape ``(n, m)``; pairs of equal values count as ordered rightly.
        predicted: Likewise; pairs of equal predictions count half.

    Returns:
        Shape ``(n,)``, in [0, 1]; the mean is ``(1 - tau) / 2`` where nothing is tied.
    """
    shares = np.zeros(len(true))
    for y, p in zip(true.T, predicted.T, strict=True):
        above = np.sign(y[:, None] - y)
        # 0 where ordered alike, 2 where otherwise, 1 where predictions are tied; halved below.
        wrong = np.where(above == 0, 0.0, 1 - above * np.sign(p[:, None] - p))
        shares += wrong.sum(axis=1) / (2 * max(len(y) - 1, 1) * true.shape[1])
    return shares


def tuning_folds(cells: Sequence[Architecture], *, seed: int) -> IntArray:
    """Return the folds that parameters are tuned on, twins together, ``(r, n)``.

    Few cells are divided more than once; fewer than 10 distinct ones not at all, ``r = 0``.
    """
    n = len(np.unique(cell_groups(cells)))
    repeats = 0 if n < _LEAST_CELLS else max(1, _LEFT_OUT // n)
    groups = twin_groups(cells).tolist()
    rng = as_generator(seed)
    labels = [split_into_folds(groups, folds=_FOLDS, seed=rng) for _ in range(repeats)]
    # None where nearly all are twins of each other.
    found = np.array([one for one in labels if one.min() >= 0], dtype=np.int64)
    return found.reshape(-1, len(cells))


def as_matrix(rows: np.ndarray, scores: FloatArray, weights: np.ndarray | None) -> "DMatrix":
    """Return data for xgboost.

    Args:
        rows: Features, ``(n, d)`` float32.
        scores: What is regressed on, ``(n, m)``.
        weights: How readily a split chooses each feature, ``(d,)``; None for all alike.
    """
    import xgboost

    return xgboost.DMatrix(rows, scores, feature_weights=weights, nthread=1)


@contextmanager
def _quiet(optuna: Any) -> "Iterator[None]":
    """Keep optuna from logging every trial."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)

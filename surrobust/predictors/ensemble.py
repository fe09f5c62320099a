"""Several predictors, each trusted as far as cross-validation bears it out."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from .._checks import check_integer
from ..encodings import Columns, twin_groups
from ..spaces import Architecture
from ..typing import FloatArray, IntArray
from .base import AbstractPredictor
from .boosted_trees import BoostedTrees
from .conformal import split_into_folds
from .features import Features
from .gaussian_process import GaussianProcess
from .members import load_members, pack_members
from .random_forest import RandomForest
from .state import OutOfFold
from .tensors import pack_tensors, take_tensor, unpack_tensors

FILE = "weights.safetensors"


class Ensemble(AbstractPredictor):
    """Wolpert, "Stacked generalization" (Neural Networks 1992); Breiman, 1996.

    The Gaussian process, the boosted trees and the random forest, with weights that are
    non-negative, sum to one, and have the least squared error on cells that the members did not
    see. One set of weights serves all targets. The variance is the members' own, weighted, plus
    their disagreement.

    Args:
        encoder: Names in ``ENCODINGS`` joined by ``+``.
        boosted_trees: Trees of each booster.
        forest_trees: Trees of the forest.
        stacking_folds: Folds of the cross-validation behind the weights, at least 2; twins
            share a fold.
        columns: Numbers known of cells beforehand, or None.
        calibration_folds: See :class:`AbstractPredictor`; the intervals use the folds of the
            weights.
        seed: See :class:`AbstractPredictor`.
    """

    kind = "ensemble"

    def __init__(
        self,
        *,
        encoder: str = "features",
        boosted_trees: int = 500,
        forest_trees: int = 200,
        stacking_folds: int = 5,
        columns: Columns | None = None,
        calibration_folds: int = 5,
        seed: int = 0,
    ) -> None:
        super().__init__(calibration_folds=calibration_folds, seed=seed)
        self.encoder = encoder
        self.stacking_folds = check_integer("stacking_folds", stacking_folds, minimum=2)
        self.boosted_trees = check_integer("boosted_trees", boosted_trees, minimum=1)
        self.forest_trees = check_integer("forest_trees", forest_trees, minimum=2)
        self.columns = columns
        self._features = Features(encoder, columns)
        self._members = self._make_members()

    def _make_members(self) -> list[AbstractPredictor]:
        common: dict[str, Any] = {
            "encoder": self.encoder,
            "columns": self.columns,
            "calibration_folds": 0,
            "seed": self.seed,
        }
        return [
            GaussianProcess(**common),
            BoostedTrees(trees=self.boosted_trees, **common),
            RandomForest(trees=self.forest_trees, **common),
        ]

    def _key(self, cell: Architecture) -> Hashable:
        return self._features.key(cell)

    def _fit(self, cells: Sequence[Architecture], Y: FloatArray) -> None:
        folds = self._stacking(cells)
        means = np.full((len(self._members), *Y.shape), np.nan)
        stds = np.full_like(means, np.nan)
        for fold in range(folds.max() + 1):
            test, train = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
            for i, member in enumerate(self._make_members()):
                member._fit([cells[int(k)] for k in train], Y[train])
                means[i, test], stds[i, test] = member._predict([cells[int(k)] for k in test])
        self.weights_ = _stack(means, Y)
        self._held_out = _blend(means, stds, self.weights_)
        for member in self._members:
            member._fit(cells, Y)

    def _out_of_fold(self, cells: Sequence[Architecture], Y: FloatArray) -> OutOfFold:
        """Return the predictions behind the weights: three weights fit little noise."""
        return OutOfFold(self._stacking(cells), Y, *self._held_out)

    def _stacking(self, cells: Sequence[Architecture]) -> IntArray:
        groups = twin_groups(cells).tolist()
        return split_into_folds(groups, folds=self.stacking_folds, seed=self.seed)

    def _predict(self, cells: Sequence[Architecture]) -> tuple[FloatArray, FloatArray]:
        each = [member._predict(cells) for member in self._members]
        means, stds = (np.stack(arrays) for arrays in zip(*each, strict=True))
        return _blend(means, stds, self.weights_)

    def _weights(self) -> dict[str, bytes]:
        return {FILE: pack_tensors({"weights": self.weights_}), **pack_members(self._members)}

    def _load_weights(self, files: dict[str, bytes], n_targets: int) -> None:
        rest = dict(files)
        tensors = unpack_tensors(rest.pop(FILE, b""), name=FILE)
        self.weights_ = take_tensor(
            tensors, "weights", dtype="float64", shape=(len(self._members),)
        )
        load_members(self._members, rest, n_targets)


def _stack(means: FloatArray, Y: FloatArray) -> FloatArray:
    """Return the members' weights, ``(k,)``.

    Args:
        means: Out-of-fold predictions, ``(k, n, m)``; NaN if there were none, then weights are
            equal.
        Y: Values, ``(n, m)``.
    """
    from scipy.optimize import nnls

    equal = np.full(len(means), 1 / len(means))
    if np.isnan(means).any():
        return equal
    spread = np.where(np.ptp(Y, axis=0) > 0, Y.std(axis=0), 1.0)
    errors = ((means - Y) / spread).reshape(len(means), -1)
    # A row of ones that counts much more than the errors makes the weights sum to one; a little
    # of the mean squared error on the diagonal draws them together where the members tie.
    size = np.sqrt(np.mean(errors**2) * errors.shape[1]) or 1.0
    rows = [errors.T, 0.1 * size * np.eye(len(means)), np.full((1, len(means)), 1e3 * size)]
    system = np.concatenate(rows)
    aim = np.zeros(len(system))
    aim[-1] = 1e3 * size
    weights, _ = nnls(system, aim)
    total = weights.sum()
    return weights / total if total > 0 else equal


def _blend(
    means: FloatArray, stds: FloatArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard deviation of the mixture, both ``(n, m)``."""
    mean = np.tensordot(weights, means, axes=1)
    variance = np.tensordot(weights, stds**2 + (means - mean) ** 2, axes=1)
    return mean, np.sqrt(variance)

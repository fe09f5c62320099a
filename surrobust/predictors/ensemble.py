"""The default and graph networks, averaged: the most accurate, and the slowest."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np

from .._checks import check_fraction
from ..encodings import Columns
from ..spaces import Architecture
from ..typing import FloatArray
from .base import AbstractPredictor
from .default import DefaultPredictor
from .estimator.recall import Moments
from .graph.predictor import GraphNetwork
from .saving.state import OutOfFold


class Ensemble(AbstractPredictor):
    """A Gaussian process and boosted trees as in ``default``, and graph networks beside them.

    The mean is the weighted mean of :class:`DefaultPredictor` and :class:`GraphNetwork`. The
    weights are given, not fitted: a cross-validation of the networks costs more than it tells.
    The variance is the members' own, weighted, plus their disagreement.

    Args:
        encoder: Names in ``ENCODINGS`` joined by ``+``; the networks read the graph besides.
        network_weight: Weight of the networks; ``default`` has the rest.
        trees: See :class:`DefaultPredictor`.
        members: See :class:`GraphNetwork`, as for the next two.
        updates: None for as many as suit the number of cells.
        device: Where the networks are computed.
        columns: Numbers known of cells beforehand, or None.
        calibration_folds: See :class:`AbstractPredictor`.
        seed: See :class:`AbstractPredictor`.
    """

    kind = "ensemble"

    def __init__(
        self,
        *,
        encoder: str = "features",
        # By order alone .5 was better; it raised the squared error
        # on nas-robbench-201 (experiments/gnn).
        network_weight: float = 0.3,
        trees: int = 1000,
        members: int = 4,
        updates: int | None = None,
        device: str = "cpu",
        columns: Columns | None = None,
        calibration_folds: int = 5,
        seed: int = 0,
    ) -> None:
        super().__init__(calibration_folds=calibration_folds, seed=seed)
        self.network_weight = check_fraction("network_weight", network_weight)
        self._default = DefaultPredictor(
            encoder=encoder,
            trees=trees,
            columns=columns,
            calibration_folds=calibration_folds,
            seed=seed,
        )
        self._network = GraphNetwork(
            features=encoder,
            members=members,
            updates=updates,
            device=device,
            columns=columns,
            calibration_folds=calibration_folds,
            seed=seed,
        )
        self.encoder = encoder
        self.trees = trees
        self.members = members
        self.updates = updates
        self.device = device
        self.columns = columns

    @property
    def _predictors(self) -> Mapping[str, AbstractPredictor]:
        return {"default": self._default, "networks": self._network}

    def _key(self, cell: Architecture) -> Hashable:
        return tuple(member._key(cell) for member in self._predictors.values())

    def _fit(self, cells: Sequence[Architecture], Y: FloatArray) -> None:
        for member in self._predictors.values():
            member._fit(cells, Y)

    def _out_of_fold(self, cells: Sequence[Architecture], Y: FloatArray) -> OutOfFold:
        """Blend the members' own: both have the same folds, the networks train side by side."""
        each = [member._out_of_fold(cells, Y) for member in self._predictors.values()]
        moments = [(part.mean, part.std) for part in each]
        return OutOfFold(cells, each[0].folds, Y, *blend(moments, self.network_weight))

    def _predict(self, cells: Sequence[Architecture]) -> Moments:
        each = [member._asked(cells) for member in self._predictors.values()]
        mean, std = blend([(one.mean, one.std) for one in each], self.network_weight)
        measured = blend([(one.mean, one.measured) for one in each], self.network_weight)[1]
        return Moments(mean, std, measured)


def blend(
    moments: Sequence[tuple[FloatArray, FloatArray]], weight: float
) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard deviation of a mixture of two.

    Args:
        moments: Mean and standard deviation of each, all ``(n, m)``.
        weight: Of the second; the first has the rest.
    """
    means, stds = (np.stack(arrays) for arrays in zip(*moments, strict=True))
    weights = np.array([1 - weight, weight])
    mean = np.tensordot(weights, means, axes=1)
    variance = np.tensordot(weights, stds**2 + (means - mean) ** 2, axes=1)
    return mean, np.sqrt(variance)

"""Knowing other targets: for a new attack or image set, measured on few cells or none."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from .._checks import brief, check_fraction, check_integer
from .._tensors import pack_tensors, take_tensor, unpack_tensors
from ..encodings import Columns
from ..encodings.joined import Features
from ..errors import InvalidInputError, InvalidModelError
from ..processes.groups import KernelGroups
from ..processes.prior import PRIOR_FILE, PriorScores, is_alike, reference_of, weights_of_alike
from ..processes.process import ProcessRows, TrendProcess, View
from ..processes.scores import SCORES_FILE, ScoreMap
from ..processes.trend import TREND_FILE, Trend
from ..spaces import Architecture
from ..typing import FloatArray
from .base import AbstractPredictor
from .repeats import cell_groups
from .saving.folder import load_members, pack_members
from .trees.boosted import BoostedTrees

VIEWS_FILE = "views.safetensors"

_VIEWS = (
    View(share=0.9, amplitude=0.1, noise=0.05, slope=0.03),
    View(share=0.7, amplitude=0.3, noise=0.03, slope=0.3),
    View(share=0.7, amplitude=0.3, noise=0.03, slope=0.3, drawn=True),
    View(share=0.7, amplitude=2.0, noise=0.05, slope=0.1, drawn=True),
    View(share=0.0, amplitude=2.0, noise=0.05, slope=0.0),
)
"""The expectation is nearly right; the known targets explain much, in either kind of rows; other
things matter more; nothing known helps."""

_ODDS_ALIKE, _ODDS_FOREIGN = (3.0, 1.0, 1.0, 1.0, 0.3), (0.0, 1.0, 1.0, 1.0, 1.0)
"""Of the views beforehand, where targets of the same benchmark are known and where none is."""

_NEGLIGIBLE = 1e-3
"""A view of less weight is dropped."""

_CELLS_FOR_TREES, _HALF_TREES = 20, 20
"""Distinct cells below which trees say nothing, and at which they have half of their weight."""


class PriorPredictor(AbstractPredictor):
    """Gaussian processes that trust a prior more and less, averaged by their evidence; and trees.

    What is expected of a target is the mean of the known ones that are alike by name
    (:func:`weights_of_alike`; give ``fit`` the names of yours). Each view of what that is worth is
    a :class:`TrendProcess`; the last makes no use of the prior. Measured cells decide between them
    (Hoeting, Madigan, Raftery & Volinsky, "Bayesian Model Averaging: A Tutorial", Statistical
    Science 1999, equations 1 to 3), so that a prior which misleads loses its say. With more cells
    boosted trees join in, which are shown the principal components of the prior's scores.

    Fitted to no cell, it predicts the expectation: an order, in units of no meaning. With one cell
    the level is known, not the spread.

    Args:
        prior: Scores, or what a card refers to them by; then only loading makes it whole.
        encoder: Names in ``ENCODINGS`` joined by ``+``.
        process_weight: Weight of the processes if there were many cells; the trees have the rest,
            1 leaves them out.
        trees: How many.
        columns: See :class:`GaussianProcess`.
        calibration_folds: See :class:`AbstractPredictor`.
        seed: See :class:`AbstractPredictor`.
    """

    kind = "informed"

    _least_cells = 0

    def __init__(
        self,
        *,
        prior: Any,
        encoder: str = "features",
        process_weight: float = 0.7,
        trees: int = 1000,
        columns: Columns | None = None,
        calibration_folds: int = 5,
        seed: int = 0,
    ) -> None:
        super().__init__(calibration_folds=calibration_folds, seed=seed)
        self.prior = _as_prior(prior)
        self.encoder = encoder
        self.process_weight = check_fraction("process_weight", process_weight)
        self.trees = check_integer("trees", trees, minimum=1)
        self.columns = columns
        self._features = Features(encoder, columns)

    @property
    def options(self) -> dict[str, Any]:
        """The constructor's arguments, the prior by its name and checksum."""
        return {**super().options, "prior": reference_of(self.prior)}

    def _key(self, cell: Architecture) -> Hashable:
        return self._features.key(cell)

    def _fit(self, cells: Sequence[Architecture], Y: FloatArray) -> None:
        prior = self._prior_scores()
        names = self._names
        self.trend_ = Trend.of(prior, np.stack([weights_of_alike(k, prior.targets) for k in names]))
        self.groups_ = KernelGroups.of(self.encoder, self.columns)
        self.map_, scores = _scores(Y)
        firsts, means, repeats = self._features.merge(cells, scores)
        self.rows_ = self._rows(firsts)
        odds = [_ODDS_ALIKE if is_alike(k, prior.targets) else _ODDS_FOREIGN for k in names]
        self._average(np.array(odds).T, means, repeats)
        self.boosted_ = None
        if self.process_weight < 1 and len(np.unique(cell_groups(cells))) >= _CELLS_FOR_TREES:
            self.boosted_ = self._make_trees()
            self.boosted_._fit(cells, scores)

    def _average(self, odds: FloatArray, scores: FloatArray, repeats: FloatArray) -> None:
        """Fit the views and weigh them, given their odds for each target, ``(v, m)``."""
        fitted = {v: self._process(v) for v in range(len(_VIEWS)) if (odds[v] > 0).any()}
        found = np.full(odds.shape, -np.inf)
        for view, process in fitted.items():
            evidence = process.fit(self.rows_, scores, repeats, seed=self.seed)
            with np.errstate(divide="ignore"):
                found[view] = np.log(odds[view]) + evidence
        weights = np.exp(found - found.max(axis=0))
        weights /= weights.sum(axis=0)
        self.views_ = np.flatnonzero((weights > _NEGLIGIBLE).any(axis=1))
        self.weights_ = weights[self.views_] / weights[self.views_].sum(axis=0)
        self.processes_ = [fitted[int(view)] for view in self.views_]

    def _rows(self, cells: Sequence[Architecture]) -> ProcessRows:
        if not cells:
            t, m = self.trend_.slopes.shape[1], len(self.trend_.slopes)
            Z = np.empty((0, len(self.groups_.center)), np.float32)
            return ProcessRows(Z, np.empty((2, 0, t + 1), np.float32), np.empty((0, m)))
        trends = self.trend_.rows(cells).astype(np.float32)
        Z = self.groups_.transform(self._features.encode(cells))
        return ProcessRows(Z, trends, self.trend_.expected(cells))

    def _process(self, view: int) -> TrendProcess:
        return TrendProcess(_VIEWS[view], self.groups_.names, self.groups_.slices)

    def _make_trees(self) -> BoostedTrees:
        known = self.trend_.columns
        return BoostedTrees(
            encoder=self.encoder,
            transform="standard",
            members=1,
            trees=self.trees,
            columns=known if self.columns is None else self.columns.beside(known),
            calibration_folds=0,
            seed=self.seed,
        )

    def _predict(self, cells: Sequence[Architecture]) -> tuple[FloatArray, FloatArray]:
        rows = self._rows(cells)
        each = [process.posterior(rows) for process in self.processes_]
        means = np.stack([mean for mean, _ in each])
        variances = np.stack([variance for _, variance in each])[:, :, None]
        weights = self.weights_[:, None, :]
        mean = (weights * means).sum(axis=0)
        # Within the views and between them (Hoeting et al., equation for the variance).
        variance = (weights * (variances + (means - mean) ** 2)).sum(axis=0)
        if self.boosted_ is not None:
            n = len(self.rows_.Z)
            share = (1 - self.process_weight) * n / (n + _HALF_TREES)
            mean = (1 - share) * mean + share * self.boosted_._predict(cells)[0]
        return self.map_.moments(mean, np.sqrt(variance))

    def _prior_scores(self) -> PriorScores:
        if isinstance(self.prior, PriorScores):
            return self.prior
        msg = f"prior: expected a fitted predictor, got only the name of {self.prior['name']}"
        raise InvalidInputError(msg)

    def _weights(self) -> dict[str, bytes]:
        tensors = {
            **self.rows_.tensors(),
            "center": self.groups_.center,
            "scale": self.groups_.scale,
            "views": self.views_,
            "weights": self.weights_,
        }
        for view, process in zip(self.views_, self.processes_, strict=True):
            tensors |= {f"{view}-{name}": array for name, array in process.tensors().items()}
        return {
            VIEWS_FILE: pack_tensors(tensors),
            SCORES_FILE: self.map_.pack(),
            TREND_FILE: self.trend_.pack(),
            PRIOR_FILE: self._prior_scores().pack(),
            **pack_members([] if self.boosted_ is None else [self.boosted_]),
        }

    def _load_weights(self, files: dict[str, bytes], n_targets: int) -> None:
        rest = dict(files)
        prior = PriorScores.unpack(rest.pop(PRIOR_FILE, b""), reference_of(self.prior))
        self.prior = prior
        self.trend_ = Trend.unpack(rest.pop(TREND_FILE, b""), prior, n_targets)
        self.map_ = ScoreMap.unpack(rest.pop(SCORES_FILE, b""), n_targets)
        tensors = unpack_tensors(rest.pop(VIEWS_FILE, b""), name=VIEWS_FILE)
        self.groups_ = KernelGroups.take(tensors, self.encoder, self.columns)
        Z = self.groups_.take_rows(tensors)
        self.rows_ = ProcessRows.take(tensors, Z, len(prior.targets) + 1, n_targets)
        self.views_ = take_tensor(tensors, "views", dtype="int64", shape=(None,))
        views = set(self.views_.tolist())
        if not views or len(views) < len(self.views_) or not views <= set(range(len(_VIEWS))):
            msg = f"{VIEWS_FILE}: expected views that exist, each once, got others"
            raise InvalidModelError(msg)
        shape = (len(self.views_), n_targets)
        self.weights_ = take_tensor(tensors, "weights", dtype="float64", shape=shape, most=1.0)
        self.processes_ = [self._process(int(view)) for view in self.views_]
        for view, process in zip(self.views_, self.processes_, strict=True):
            start = f"{view}-"
            mine = {k[len(start) :]: v for k, v in tensors.items() if k.startswith(start)}
            process.restore(mine, self.rows_)
        self.boosted_ = self._make_trees() if rest else None
        load_members([] if self.boosted_ is None else [self.boosted_], rest, n_targets)


def _scores(Y: FloatArray) -> tuple[ScoreMap, FloatArray]:
    """Return the map of values ``(n, m)`` and their scores; fewer than 2 have no spread."""
    if len(Y) > 1:
        return ScoreMap.fit(Y, transform="scores")
    level = Y.sum(axis=0)
    ends = np.tile([[-1.0], [1.0]], (1, Y.shape[1]))
    return ScoreMap(ends, level + ends, np.ones(Y.shape[1])), np.zeros_like(Y)


def _as_prior(prior: Any) -> PriorScores | dict[str, str]:
    """Return a prior's scores, from a fitted predictor or as they are; or a card's reference.

    Raises:
        InvalidInputError: If it is none of these.
        NotFittedError: If the predictor was not fitted.
    """
    if isinstance(prior, PriorScores):
        return prior
    if isinstance(prior, AbstractPredictor):
        return PriorScores.of(prior)
    is_reference = isinstance(prior, Mapping) and set(prior) == {"name", "sha256"}
    if is_reference and all(isinstance(value, str) for value in prior.values()):
        return dict(prior)
    msg = f"prior: expected a fitted predictor or PriorScores, got {brief(prior)}"
    raise InvalidInputError(msg)

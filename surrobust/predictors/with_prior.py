"""Knowing other targets: for a new attack or image set, measured on few cells or none."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .._checks import brief, check_fraction, check_integer
from .._parts import tensor
from .._random import as_generator
from ..encodings import Columns
from ..encodings.joined import Features
from ..errors import InvalidInputError, InvalidModelError
from ..processes.averaging import mix, weigh
from ..processes.groups import KernelGroups, Scales
from ..processes.kernel import PREDICTING, Belief, Kernel, Rows
from ..processes.prior import PriorScores, is_alike, reference_of
from ..processes.process import Posterior, Process
from ..processes.scores import ScoreMap
from ..processes.trend import KnownTargets
from ..spaces import Architecture
from ..typing import FloatArray, IntArray
from .base import AbstractPredictor
from .repeats import cell_groups
from .trees.boosted import BoostedTrees


@dataclass(frozen=True)
class View:
    """What is supposed beforehand of a new target, in scores of spread one.

    Args:
        share: How much of the expectation comes true.
        amplitude: Variance of what no trend explains, in the median.
        noise: Variance of the noise, likewise.
        slope: Variance of the trend's coefficients, likewise; 0 for no trend.
        drawn: Whether principal components are drawn together in the rows of the trend.
    """

    share: float
    amplitude: float
    noise: float
    slope: float
    drawn: bool = False

    @property
    def kernel(self) -> Kernel:
        """The kernel that supposes so."""
        slopes = (Belief(self.slope),) if self.slope else ()
        amplitude, noise = Belief(self.amplitude), Belief(self.noise)
        return replace(PREDICTING, amplitude=amplitude, noise=noise, slopes=slopes)


# Chosen among about thirty mixtures on eleven sibling targets,
# seeds 100 to 105 (experiments/prior).
_VIEWS = (
    View(share=0.9, amplitude=0.1, noise=0.05, slope=0.03),
    View(share=0.7, amplitude=0.3, noise=0.03, slope=0.3),
    View(share=0.7, amplitude=0.3, noise=0.03, slope=0.3, drawn=True),
    View(share=0.7, amplitude=2.0, noise=0.05, slope=0.1, drawn=True),
    View(share=0.0, amplitude=2.0, noise=0.05, slope=0.0),
)
"""The expectation is nearly right; the known targets explain much, in either kind of rows; other
things matter more; nothing known helps."""

# Trained otherwise, networks may fall in another order: there no
# view takes the expectation for nearly right.
_ODDS_ALIKE, _ODDS_FOREIGN = (3.0, 1.0, 1.0, 1.0, 0.3), (0.0, 1.0, 1.0, 1.0, 1.0)
"""Of the views beforehand, where targets of the same benchmark are known and where none is."""

_NEGLIGIBLE = 1e-3
"""A view of less weight is dropped."""

_CELLS_FOR_TREES, _HALF_TREES = 20, 20
"""Distinct cells below which trees say nothing, and at which they have half of their weight."""


@dataclass(frozen=True)
class FittedViews:
    """A fitted :class:`PriorPredictor`.

    Args:
        map: From values to the scores that are regressed on.
        known: What other targets say.
        scales: Of the features.
        posteriors: Of the views that have weight.
        has_trees: Whether boosted trees join in.
        rows: What kernels compare, one row for each of n cells that differ, ``(n, d)``.
        trends: Both kinds of rows of the trend, of t known targets, ``(2, n, t + 1)``.
        views: Which of the views have weight, ``(v,)``.
        weights: Of each of these for each target, ``(v, m)``.
    """

    map: ScoreMap
    known: KnownTargets
    scales: Scales
    posteriors: tuple[Posterior, ...]
    has_trees: bool
    rows: np.ndarray = tensor("float32", "n d")
    trends: np.ndarray = tensor("float32", "2 n q")
    views: IntArray = tensor("int64", "v")
    weights: FloatArray = tensor("float64", "v m", most=1.0)

    def check(self) -> None:
        """Refuse views that do not exist.

        Raises:
            InvalidModelError: If there are such, or one twice, or none.
        """
        views = set(self.views.tolist())
        are_views = views and views <= set(range(len(_VIEWS)))
        if not are_views or not len(views) == len(self.views) == len(self.posteriors):
            msg = "weights: expected views that exist, each once, got others"
            raise InvalidModelError(msg)
        if self.trends.shape[2] != (width := len(self.known.scores.targets) + 1):
            msg = f"weights: expected trends of {width} columns, got {self.trends.shape[2]}"
            raise InvalidModelError(msg)


class PriorPredictor(AbstractPredictor):
    """Gaussian processes that trust a prior more and less, averaged by their evidence; and trees.

    What is expected of a target is the mean of the known ones that are alike by name
    (:class:`KnownTargets`; give ``fit`` the names of yours). Each view of what that is worth is a
    process with a kernel of its own; the last makes no use of the prior. Measured cells decide
    between them (Hoeting, Madigan, Raftery & Volinsky, "Bayesian Model Averaging: A Tutorial",
    Statistical Science 1999, equations 1 to 3), so that a prior which misleads loses its say. With
    more cells boosted trees join in, which are shown the principal components of the prior's
    scores.

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

    kind = "default"
    Fitted = FittedViews
    fitted_: FittedViews

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
        self._trees: BoostedTrees | None = None

    @property
    def _predictors(self) -> Mapping[str, AbstractPredictor]:
        return {} if self._trees is None else {"trees": self._trees}

    def _sizes(self) -> Mapping[str, int]:
        return {"d": self._features.size}

    def _restored(self) -> None:
        known = self.fitted_.known
        known.scores.check_reference(reference_of(self.prior))
        self.prior = known.scores
        self._trees = self._make_trees(known) if self.fitted_.has_trees else None
        groups = KernelGroups(self._features, self.fitted_.scales)
        for view, posterior in zip(self.fitted_.views, self.fitted_.posteriors, strict=True):
            Process(_VIEWS[view].kernel, groups).check(posterior)

    @property
    def options(self) -> dict[str, Any]:
        """The constructor's arguments, the prior by its name and checksum."""
        return {**super().options, "prior": reference_of(self.prior)}

    def _key(self, cell: Architecture) -> Hashable:
        return self._features.key(cell)

    def _fit(self, cells: Sequence[Architecture], Y: FloatArray) -> None:
        known = KnownTargets.of(self._prior_scores(), self._names)
        score_map, scores = _scores(Y)
        firsts, means, repeats = self._features.merge(cells, scores)
        groups = KernelGroups(self._features)
        rows = _ViewedRows.of(groups, known, firsts)
        views, weights, posteriors = self._average(groups, known, rows, means, repeats)
        self._trees = None
        # Distinct cells: measured again and again, five tell trees no more than five.
        if self.process_weight < 1 and len(np.unique(cell_groups(cells))) >= _CELLS_FOR_TREES:
            self._trees = self._make_trees(known)
            self._trees._fit(cells, scores)
        self.fitted_ = FittedViews(
            score_map,
            known,
            groups.scales,
            posteriors,
            self._trees is not None,
            rows.Z,
            rows.trends,
            views,
            weights,
        )

    def _average(
        self,
        groups: KernelGroups,
        known: KnownTargets,
        rows: "_ViewedRows",
        scores: FloatArray,
        repeats: FloatArray,
    ) -> tuple[IntArray, FloatArray, tuple[Posterior, ...]]:
        """Return which views have weight, how much, and their posteriors."""
        alike = [is_alike(name, known.scores.targets) for name in known.targets]
        odds = np.array([_ODDS_ALIKE if one else _ODDS_FOREIGN for one in alike]).T
        fitted: dict[int, Posterior] = {}
        found = np.full(odds.shape, -np.inf)
        for i, view in enumerate(_VIEWS):
            # A view without odds for any target costs a fit and can have no weight.
            if not (odds[i] > 0).any():
                continue
            # The share that is supposed to come true. The expectation is a row of the trend too,
            # the last, so that more or less of it can be learnt.
            left = scores - view.share * rows.expected
            process = Process(view.kernel, groups)
            rng = as_generator(self.seed)
            mine = _rows_of(view, rows.Z, rows.trends)
            fitted[i], found[i] = process.fit(mine, left, repeats, rng)
        weights = weigh(found, odds)
        kept = np.flatnonzero((weights > _NEGLIGIBLE).any(axis=1))
        weights = weights[kept] / weights[kept].sum(axis=0)
        return kept, weights, tuple(fitted[int(view)] for view in kept)

    def _make_trees(self, known: KnownTargets) -> BoostedTrees:
        shown = known.columns
        return BoostedTrees(
            encoder=self.encoder,
            transform="standard",
            members=1,
            trees=self.trees,
            columns=shown if self.columns is None else self.columns.beside(shown),
            calibration_folds=0,
            seed=self.seed,
        )

    def _predict(self, cells: Sequence[Architecture]) -> tuple[FloatArray, FloatArray]:
        fitted = self.fitted_
        groups = KernelGroups(self._features, fitted.scales)
        rows = _ViewedRows.of(groups, fitted.known, cells)
        means, variances = [], []
        for i, posterior in zip(fitted.views, fitted.posteriors, strict=True):
            view = _VIEWS[i]
            process = Process(view.kernel, groups)
            trained = _rows_of(view, fitted.rows, fitted.trends)
            mine = _rows_of(view, rows.Z, rows.trends)
            mean, variance = process.moments(posterior, trained, mine)
            means.append(view.share * rows.expected + mean)
            variances.append(variance)
        mean, variance = mix(fitted.weights, np.stack(means), np.stack(variances))
        if self._trees is not None:
            n = len(fitted.rows)
            # By rows that differ: half of the trees' weight at 20, five sixths at 100.
            share = (1 - self.process_weight) * n / (n + _HALF_TREES)
            mean = (1 - share) * mean + share * self._trees._predict(cells)[0]
        return fitted.map.moments(mean, np.sqrt(variance))

    def _prior_scores(self) -> PriorScores:
        if isinstance(self.prior, PriorScores):
            return self.prior
        msg = f"prior: expected a fitted predictor, got only the name of {self.prior['name']}"
        raise InvalidInputError(msg)


@dataclass(frozen=True)
class _ViewedRows:
    """Cells as the views compare them.

    Args:
        Z: Scaled features, ``(n, d)`` float32.
        trends: Both kinds of rows of the trend, ``(2, n, t + 1)`` float32.
        expected: What is expected of each of m targets, ``(n, m)``.
    """

    Z: np.ndarray
    trends: np.ndarray
    expected: FloatArray

    @classmethod
    def of(
        cls, groups: KernelGroups, known: KnownTargets, cells: Sequence[Architecture]
    ) -> "_ViewedRows":
        Z = groups.encode(cells).astype(np.float32)
        return cls(Z, known.rows(cells).astype(np.float32), known.expected(cells))


def _rows_of(view: View, Z: np.ndarray, trends: np.ndarray) -> Rows:
    """Return what the kernel of a view compares."""
    return Rows(Z, (trends[int(view.drawn)],) if view.slope else ())


def _scores(Y: FloatArray) -> tuple[ScoreMap, FloatArray]:
    """Return the map of values ``(n, m)`` and their scores; fewer than 2 have no spread."""
    if len(Y) > 1:
        return ScoreMap.fit(Y, transform="scores")
    # One value is its own sum, none is 0. A line of slope one through it: units of no meaning.
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

"""Surrogate-guided search: a model of what was measured says what to measure next."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np

from ..._checks import check_choice, check_integer
from ...metrics import normal_scores
from ...processes.refitted import FunctionProcess
from ...processes.trend import Prior, PriorRows
from ...spaces import AbstractSearchSpace, Architecture
from ...typing import FloatArray, Seed
from ..acquisition import ACQUISITIONS
from ..base import AbstractSearch
from ..design import FunctionPool


class Model(Protocol):
    """A regression model of architectures that knows its own uncertainty.

    If it has a ``noise_std_``, that is the standard deviation of a measurement about what it
    predicts; otherwise measurements count as exact.
    """

    def fit(self, architectures: Sequence[Architecture], y: FloatArray, /) -> Any:
        """Fit values ``(n,)``."""
        ...

    def predict(self, architectures: Sequence[Architecture], /) -> FloatArray:
        """Return means of shape ``(n,)``."""
        ...

    def predict_std(self, architectures: Sequence[Architecture], /) -> FloatArray:
        """Return standard deviations of shape ``(n,)``."""
        ...


class GuidedSearch(AbstractSearch):
    """Bayesian optimisation over function classes.

    The first ``n_initial`` architectures are spread over what cells can compute. From then on the
    model is refitted before each question to the normal scores of the values' ranks (outliers
    among the bad ones, collapsed trainings, then do not matter), and the open function class with
    the highest acquisition is asked for: by default the one whose measurement is expected to
    improve most on the best so far. Values that are still awaited count as predicted.

    With a prior, the first architectures are in turn the best that the prior knows and spread
    ones, which show whether it can be believed; the model then knows the prior too.

    Args:
        space: The search space.
        model: Refitted before each question; None means a :class:`FunctionProcess`. Another
            model with a prior learns what the prior misses.
        prior: A predictor that orders the architectures beforehand.
        n_initial: Architectures before the first fit.
        n_trusted: How many of these are the prior's best: the first, the third and so on.
        prior_odds: Odds beforehand that it can be believed, see :class:`FunctionProcess`.
        acquisition: Name in ``ACQUISITIONS``.
        candidates: The architectures that may be asked for; None means all of the space.
        seed: Seed or generator of every random choice.

    Raises:
        InvalidInputError: If the acquisition is not known, or the prior predicts several values.
    """

    def __init__(
        self,
        space: AbstractSearchSpace[Architecture],
        *,
        model: Model | None = None,
        prior: Prior | None = None,
        # Six and fourteen gave nothing (experiments/search). With a prior, its best and spread
        # cells in turn were chosen out of several openings (experiments/prior_search).
        n_initial: int = 10,
        n_trusted: int = 5,
        prior_odds: float = 1.0,
        # Chosen together with the kernel over kappa 0, 1, 2 in turn and
        # others, on twenty targets (experiments/search).
        acquisition: str = "measured_improvement",
        candidates: Iterable[Any] | None = None,
        seed: Seed = 0,
    ) -> None:
        super().__init__(space, candidates=candidates, seed=seed)
        self.n_initial = check_integer("n_initial", n_initial, minimum=2)
        self.acquisition = ACQUISITIONS[check_choice("acquisition", acquisition, ACQUISITIONS)]
        self.n_trusted = check_integer("n_trusted", n_trusted, minimum=1)
        self._pool = FunctionPool(space, self._classes)
        self._leads = self._pool.leads
        self._prior = None if prior is None else PriorRows(prior, self._leads)
        self._follows_slope = self._prior is not None and model is not None
        self.model: Model = (
            FunctionProcess(self._prior, odds=prior_odds) if model is None else model
        )

    def _propose(self) -> Architecture:
        is_open = self._pool.which(self._untouched or self._left)
        # One value has no spread and no ranks to be learnt.
        if len(self._values) < 2 or len(self._pool.taken) < self.n_initial:
            position = self._begin(is_open)
        else:
            scores = np.where(is_open, self._score(), -np.inf)
            position = int(np.argmax(scores))
        # Cells of a class are one to the model: which of them is measured is left to chance.
        members = self._left[self._pool.names[position]]
        return members[int(self.rng.integers(len(members)))]

    def _mark(self, architecture: Architecture) -> None:
        super()._mark(architecture)
        self._pool.take(architecture)

    def _begin(self, is_open: np.ndarray) -> int:
        turn, is_spread = divmod(len(self._pool.taken), 2)
        if self._prior is not None and not is_spread and turn < self.n_trusted:
            return int(np.argmax(np.where(is_open, self._prior.expected(self._leads), -np.inf)))
        return self._pool.spread(is_open, self.rng)

    def _score(self) -> FloatArray:
        """Fit the model and return the acquisition of every function class."""
        cells, values = list(self._values), np.array(list(self._values.values()))
        y = standard_scores(values)
        slope, known, prior = self._trend(cells, y)
        rest = y - slope * known
        self.model.fit(cells, rest)
        mean = self.model.predict(self._leads)
        # Sorted: a set has no order, and a fit sums rows in theirs.
        awaited = sorted(cell for cell in self._seen if cell not in self._values)
        if awaited:
            # The kriging believer (Ginsbourger, Le Riche & Carraro, 2010): deviations shrink around
            # what is awaited, and the next question goes elsewhere.
            believed = self.model.predict(awaited)
            self.model.fit([*cells, *awaited], np.concatenate([rest, believed]))
            mean = self.model.predict(self._leads)
        return self.acquisition(
            mean + slope * prior,
            self.model.predict_std(self._leads),
            # Of what was measured: what is only believed is no best.
            best=float(y.max()),
            trial=len(self._seen),
            rng=self.rng,
            noise=getattr(self.model, "noise_std_", 0.0),
        )

    def _trend(
        self, cells: Sequence[Architecture], y: FloatArray
    ) -> tuple[float, FloatArray, FloatArray]:
        """Return the prior's slope, not negative, and its values of ``cells`` and all classes.

        They are zero where the model itself makes use of the prior.
        """
        if self._prior is None or not self._follows_slope:
            return 0.0, np.zeros(len(cells)), np.zeros(len(self._leads))
        known = self._prior.expected(cells)
        spread = known - known.mean()
        # A ridge: expectations have deviation 1, so one more row of them pulls the slope to 0. Not
        # negative, as a prior that misleads is to be ignored, not turned round.
        slope = max(0.0, float(spread @ y)) / (float(spread @ spread) + 1.0)
        return slope, known, self._prior.expected(self._leads)


def standard_scores(values: FloatArray) -> FloatArray:
    """Return normal scores ``(n,)`` of mean 0 and, unless all are equal, standard deviation 1."""
    scores = normal_scores(values)
    spread = scores.std()
    return (scores - scores.mean()) / (spread if spread > 0 else 1.0)

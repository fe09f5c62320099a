"""Knowledge of other targets, as the prior of a search."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import InvalidInputError, MissingMeasurementError
from ..predictors import AbstractPredictor
from ..predictors.shipped import list_predictors, load_predictor, read_card
from ..processes.prior import PriorScores, is_alike, weights_of_alike
from ..processes.trend import Prior, Trend
from ..searches import SearchResult
from ..spaces import Architecture
from ..targets import DEFAULT_TARGET, Target
from ..typing import FloatArray

AUTO, NONE, GIVEN = "auto", "none", "given"
"""Words for a prior: the shipped predictor that knows most alike targets; none; an object."""


@dataclass(frozen=True, eq=False, repr=False)
class KnownTargets:
    """A prior that knows the scores of other targets.

    It expects the mean of those that are alike by name (:func:`weights_of_alike`); all of them,
    their principal components drawn towards one size (:class:`Trend`), are related numbers.

    Args:
        scores: Of other targets than the one searched for.
        target: What is searched for; empty where that has no name.
        maximise: Whether higher values of the known targets promise what is searched for.
    """

    scores: PriorScores
    target: str = ""
    maximise: bool = True

    def __repr__(self) -> str:
        return f"KnownTargets({self.scores.name!r})"

    @property
    def is_foreign(self) -> bool:
        """Whether the target has a name and no known one is of its benchmark."""
        return bool(self.target) and not is_alike(self.target, self.scores.targets)

    @cached_property
    def _trend(self) -> Trend:
        weights = weights_of_alike(self.target, self.scores.targets)
        return Trend.of(self.scores, weights[None])

    def predict(self, architectures: Sequence[Architecture], /) -> FloatArray:
        """Return what is expected, ``(n,)``, in units of no meaning; higher is better."""
        expected = self._trend.expected(architectures)[:, 0]
        return expected if self.maximise else -expected

    def related(self, architectures: Sequence[Architecture], /) -> FloatArray:
        """Return the scores of the t known targets, turned, ``(n, t)``."""
        turned: FloatArray = self.scores.rows(architectures) @ self._trend.turns[1]
        return turned


def word_for(prior: Any) -> str | None:
    """Return what a search records of the prior that it was given; None if none was."""
    if prior is None or isinstance(prior, str):
        return prior
    return GIVEN if hasattr(prior, "predict") else str(prior)


def settle_word(plan: SearchResult) -> str:
    """Return the plan's prior with ``auto`` made definite: a shipped predictor's name, or none.

    A prior is taken by the strategy ``default`` where one target is searched for and its values
    are measured. Of what a shipped predictor says it is not: the prior would be its own words.
    """
    if plan.prior != AUTO:
        return plan.prior
    if plan.strategy != "default" or plan.objective == "surrogate" or plan.goals.are_several:
        return NONE
    wanted = _alike_target(str(plan.target))
    alike = {name: _count_alike(wanted, plan.target, name) for name in list_predictors()}
    best = max(alike, key=alike.__getitem__, default=NONE)
    return best if alike.get(best) else NONE


def _count_alike(wanted: str, target: str | None, name: str) -> int:
    """Return how many other targets of the same benchmark a shipped predictor knows."""
    return sum(t != target and is_alike(wanted, [t]) for t in read_card(name)["targets"])


def find_prior(plan: SearchResult, given: Any) -> Prior | None:
    """Return the prior of a search, which has not seen the target itself.

    Args:
        plan: The search; its prior is ``none``, ``given``, or a predictor's name or folder.
        given: The predictor, if it was given as an object.

    Raises:
        InvalidInputError: If there is no such predictor, it knows no other target, or it is to be
            given again.
        InvalidModelError: If the folder is not a whole predictor's.
    """
    if plan.prior == NONE:
        return None
    if plan.prior != GIVEN:
        try:
            given = load_predictor(plan.prior)
        except (InvalidInputError, MissingMeasurementError) as error:
            raise InvalidInputError(f"prior: {error}") from None
    elif given is None or isinstance(given, str):
        msg = "prior: expected the predictor that the search to be resumed was given, got none"
        raise InvalidInputError(msg)
    if not isinstance(given, AbstractPredictor):
        return given
    target = "" if plan.target is None else _alike_target(plan.target)
    scores = _without(PriorScores.of(given), plan.target)
    return KnownTargets(scores, target, plan.higher_is_better)


def _alike_target(target: str) -> str:
    """Return the target of a benchmark that a search's target is most like.

    What is trained here is trained adversarially, as in the benchmark of the default target.
    """
    parsed = Target.parse(target)
    if parsed.benchmark != "records":
        return target
    return str(replace(parsed, benchmark=Target.parse(DEFAULT_TARGET).benchmark))


def _without(scores: PriorScores, target: str | None) -> PriorScores:
    """Return scores without the column of a target.

    Raises:
        InvalidInputError: If none is left.
    """
    kept = np.array([name != target for name in scores.targets])
    if not kept.any():
        msg = f"prior: expected a predictor of other targets than {target}, got {scores.name}"
        raise InvalidInputError(msg)
    names = tuple(name for name, keep in zip(scores.targets, kept, strict=True) if keep)
    return PriorScores(scores.name, names, scores.scores[:, kept])

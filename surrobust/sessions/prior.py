"""Knowledge of other targets, as the prior of a search."""

from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import InvalidInputError, MissingMeasurementError
from ..predictors import AbstractPredictor
from ..predictors.shipped import list_predictors, load_predictor, read_card
from ..processes.prior import PriorScores, is_alike
from ..processes.trend import KnownTargets, Prior
from ..searches import SearchResult
from ..targets import DEFAULT_TARGET, Target

AUTO, NONE, GIVEN = "auto", "none", "given"
"""Words for a prior: the shipped predictor that knows most alike targets; none; an object."""


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
    # The best of those that know no alike target is none.
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
    return KnownTargets.of(scores, [target], maximise=plan.higher_is_better)


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

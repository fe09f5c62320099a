"""Strategies as searches use them: on NAS-Bench-201, by their names."""

from collections.abc import Iterable, Mapping
from typing import Any

from .._checks import brief, check_choice, check_integer
from ..errors import InvalidInputError
from ..processes.trend import KnownTargets, Prior
from ..searches import (
    SEARCHES,
    AbstractSearch,
    AbstractSeveralSearch,
    Goals,
    ParetoSearch,
    ZeroCostSearch,
)
from ..searches.strategies.guided import GuidedSearch
from ..spaces import Architecture, NASBench201
from ..typing import AnyPath
from .gradient import GRADIENT_STRATEGIES, GradientOptions, preference_source
from .ranking import zero_cost_scores

# With these the other benchmark's prior costs 5 and 11 % of the cold start's regret at 20 and 50
# on jung2023, and saves 70 % at 5 on nas-robbench-201 (experiments/prior_search).
_CAUTION = {"n_trusted": 1, "prior_odds": 0.1}
"""Options of a guided search whose prior knows another benchmark only."""


def make_search(
    name: str,
    *,
    seed: int = 0,
    prior: Prior | None = None,
    target: str | None = None,
    warm_start: int = 0,
    candidates: Iterable[Any] | None = None,
    goals: Goals | None = None,
    known: Mapping[int, Mapping[Architecture, float]] | None = None,
    gradient: GradientOptions | None = None,
    out: AnyPath | None = None,
) -> AbstractSearch:
    """Return a fresh strategy on NAS-Bench-201.

    ``surrogate`` is guided by the registered predictor ``gp``, ``default`` by the process that
    was made for searches. With several objectives, or bounds on what is measured, ``default`` is
    ``pareto``.

    Args:
        name: Name in ``SEARCHES``.
        seed: Seed of the strategy.
        prior: A fitted predictor of one value that guided strategies start from, or
            :class:`KnownTargets`. What is known of another benchmark is trusted less: only its
            best opens the search, and measurements have to speak for it.
        target: What is searched for; ``zero_cost`` ranks by what other targets taught.
        warm_start: How many architectures from the top of the zero-cost ranking come first.
        candidates: The architectures that may be asked for; None means all of the space.
        goals: What is searched for; None means one value.
        known: By the position of an objective, its values that are known beforehand.
        gradient: Options of a differentiable strategy.
        out: Folder in which a differentiable strategy keeps its gradient search.

    Raises:
        InvalidInputError: If the name is not known, the strategy takes no prior or no options of
            differentiable ones, has no images to search with, or does not know several
            objectives, or bounds on what is measured; or the prior is no predictor.
    """
    strategy = SEARCHES[check_choice("strategy", name, SEARCHES)]
    seed = check_integer("seed", seed, minimum=0)
    options: dict[str, Any] = {}
    if goals is not None and goals.are_several:
        strategy = strategy_for_several(name)
        options["n_objectives"] = len(goals.maximised)
        options["n_constraints"] = goals.n_constraints
        if strategy is ParetoSearch and known:
            options["known"] = known
    if prior is not None:
        options |= _prior_options(name, strategy, prior)
    if name in GRADIENT_STRATEGIES:
        options["source"] = preference_source(name, gradient, seed=seed, target=target, out=out)
    elif gradient is not None:
        msg = f"gradient: expected none with strategy {name}, got {brief(gradient)}"
        raise InvalidInputError(msg)
    if name == "surrogate":
        from ..predictors import make_predictor

        # Folds are for intervals, which a search does not ask for.
        options["model"] = make_predictor("gp", seed=seed, calibration_folds=0)
        options["acquisition"] = "confidence_cycle"  # the predictor does not tell its noise
    scores = zero_cost_scores(target) if name == "zero_cost" or warm_start else None
    if name == "zero_cost":
        options["scores"] = scores
    search = strategy(NASBench201(), **options, candidates=candidates, seed=seed)
    if warm_start:
        ranked = ZeroCostSearch(NASBench201(), scores=scores, candidates=candidates, seed=seed)
        search.enqueue(ranked.ranking(warm_start))
    return search


def _prior_options(name: str, strategy: type[AbstractSearch], prior: Prior) -> dict[str, Any]:
    """Return the options of a guided strategy that has a prior."""
    if not issubclass(strategy, GuidedSearch):
        msg = f"prior: expected none with strategy {name}, got {brief(prior)}"
        raise InvalidInputError(msg)
    if not hasattr(prior, "predict"):
        msg = f"prior: expected a fitted predictor, got {brief(prior)}"
        raise InvalidInputError(msg)
    is_foreign = isinstance(prior, KnownTargets) and prior.is_foreign
    return {"prior": prior, **(_CAUTION if is_foreign else {})}


def strategy_for_several(name: str) -> type[AbstractSearch]:
    """Return the strategy of a name where there is more than one number to be told.

    Raises:
        InvalidInputError: If it knows one objective and no constraints.
    """
    if name == "default":
        return ParetoSearch
    if issubclass(SEARCHES[name], AbstractSeveralSearch):
        return SEARCHES[name]
    kinds = SEARCHES.items()
    able = ["default", *(one for one, kind in kinds if issubclass(kind, AbstractSeveralSearch))]
    msg = (
        f"strategy: expected one of {', '.join(able)} with several objectives, or with bounds on "
        f"what has to be measured; got {name}"
    )
    raise InvalidInputError(msg)

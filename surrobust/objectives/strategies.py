"""Strategies as searches use them: on NAS-Bench-201, by their names."""

from collections.abc import Iterable
from typing import Any

from .._checks import brief, check_choice, check_integer
from ..errors import InvalidInputError
from ..searches import SEARCHES, AbstractSearch, ZeroCostSearch
from ..searches.guided import GuidedSearch, Prior
from ..spaces import NASBench201
from ..typing import AnyPath
from .gradient import GRADIENT_STRATEGIES, GradientOptions, preference_source
from .scores import zero_cost_scores


def make_search(
    name: str,
    *,
    seed: int = 0,
    prior: Prior | None = None,
    target: str | None = None,
    warm_start: int = 0,
    candidates: Iterable[Any] | None = None,
    gradient: GradientOptions | None = None,
    out: AnyPath | None = None,
) -> AbstractSearch:
    """Return a fresh strategy on NAS-Bench-201.

    ``surrogate`` is guided by the registered predictor ``gp``, ``default`` by the process that
    was made for searches.

    Args:
        name: Name in ``SEARCHES``.
        seed: Seed of the strategy.
        prior: A fitted predictor of one value that guided strategies start from.
        target: What is searched for; ``zero_cost`` ranks by what other targets taught.
        warm_start: How many architectures from the top of the zero-cost ranking come first.
        candidates: The architectures that may be asked for; None means all of the space.
        gradient: Options of a differentiable strategy.
        out: Folder in which a differentiable strategy keeps its gradient search.

    Raises:
        InvalidInputError: If the name is not known, the strategy takes no prior or no options of
            differentiable ones, or has no images to search with.
    """
    strategy = SEARCHES[check_choice("strategy", name, SEARCHES)]
    seed = check_integer("seed", seed, minimum=0)
    options: dict[str, Any] = {}
    if prior is not None:
        if not issubclass(strategy, GuidedSearch):
            msg = f"prior: expected none with strategy {name}, got {brief(prior)}"
            raise InvalidInputError(msg)
        options["prior"] = prior
    if name in GRADIENT_STRATEGIES:
        options["source"] = preference_source(name, gradient, seed=seed, target=target, out=out)
    elif gradient is not None:
        msg = f"gradient: expected none with strategy {name}, got {brief(gradient)}"
        raise InvalidInputError(msg)
    if name == "surrogate":
        from ..predictors import make_predictor

        options["model"] = make_predictor("gp", seed=seed, calibration_folds=0)
    scores = zero_cost_scores(target) if name == "zero_cost" or warm_start else None
    if name == "zero_cost":
        options["scores"] = scores
    search = strategy(NASBench201(), **options, candidates=candidates, seed=seed)
    if warm_start:
        ranked = ZeroCostSearch(NASBench201(), scores=scores, candidates=candidates, seed=seed)
        search.enqueue(ranked.ranking(warm_start))
    return search

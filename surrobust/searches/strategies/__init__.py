"""Strategies: what is asked for next, by name in :data:`surrobust.searches.SEARCHES`."""

from .evolution import RegularizedEvolution
from .guided import GuidedSearch
from .local_search import LocalSearch
from .nsga2 import NSGA2Search
from .pareto import ParetoSearch
from .tpe import TPESearch
from .unguided import Preference, RandomSearch, RelaxedSearch, ZeroCostSearch

__all__ = [
    "GuidedSearch",
    "LocalSearch",
    "NSGA2Search",
    "ParetoSearch",
    "Preference",
    "RandomSearch",
    "RegularizedEvolution",
    "RelaxedSearch",
    "TPESearch",
    "ZeroCostSearch",
]

"""Search strategies: ask for an architecture, be told its value.

A *strategy* (:class:`AbstractSearch`) maximises a value, or several at once
(:class:`AbstractSeveralSearch`), over a search space and sees nothing but architectures and
numbers; :func:`run` spends a budget; a :class:`SearchResult` is what came out. Where values come
from is decided one floor up, in ``surrobust.objectives``.
"""

from ..processes.refitted import FunctionProcess
from .acquisition import ACQUISITIONS
from .base import AbstractSearch, Evaluation
from .goals import Bound, Goals
from .multiobjective import AbstractSeveralSearch
from .reading import read_result
from .result import SearchResult
from .run import run
from .strategies.evolution import RegularizedEvolution
from .strategies.guided import GuidedSearch
from .strategies.local_search import LocalSearch
from .strategies.nsga2 import NSGA2Search
from .strategies.pareto import ParetoSearch
from .strategies.tpe import TPESearch
from .strategies.unguided import Preference, RandomSearch, RelaxedSearch, ZeroCostSearch

SEARCHES: dict[str, type[AbstractSearch]] = {
    "default": GuidedSearch,
    "random": RandomSearch,
    "local_search": LocalSearch,
    "evolution": RegularizedEvolution,
    "surrogate": GuidedSearch,
    "nsga2": NSGA2Search,
    "pareto": ParetoSearch,
    "tpe": TPESearch,
    "zero_cost": ZeroCostSearch,
    "darts": RelaxedSearch,
    "dsrna": RelaxedSearch,
    "arnas": RelaxedSearch,
}
"""Every strategy by its name."""

__all__ = [
    "ACQUISITIONS",
    "SEARCHES",
    "AbstractSearch",
    "AbstractSeveralSearch",
    "Bound",
    "Evaluation",
    "FunctionProcess",
    "Goals",
    "GuidedSearch",
    "LocalSearch",
    "NSGA2Search",
    "ParetoSearch",
    "Preference",
    "RandomSearch",
    "RegularizedEvolution",
    "RelaxedSearch",
    "SearchResult",
    "TPESearch",
    "ZeroCostSearch",
    "read_result",
    "run",
]

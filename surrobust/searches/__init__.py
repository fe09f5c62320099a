"""Search strategies: ask for an architecture, be told its value.

A *strategy* (:class:`AbstractSearch`) maximises a value over a search space and sees nothing but
architectures and numbers; :func:`run` spends a budget; a :class:`SearchResult` is what came out.
Where values come from is decided one floor up, in ``surrobust.objectives``.
"""

from .acquisition import ACQUISITIONS
from .base import AbstractSearch, Evaluation
from .evolution import RegularizedEvolution
from .guided import GuidedSearch
from .local_search import LocalSearch
from .process import FunctionProcess
from .random_search import RandomSearch
from .result import SearchResult, read_result
from .run import run
from .tpe import TPESearch
from .zero_cost import ZeroCostSearch

SEARCHES: dict[str, type[AbstractSearch]] = {
    "default": GuidedSearch,
    "random": RandomSearch,
    "local_search": LocalSearch,
    "evolution": RegularizedEvolution,
    "surrogate": GuidedSearch,
    "tpe": TPESearch,
    "zero_cost": ZeroCostSearch,
}
"""Every strategy by its name."""

__all__ = [
    "ACQUISITIONS",
    "SEARCHES",
    "AbstractSearch",
    "Evaluation",
    "FunctionProcess",
    "GuidedSearch",
    "LocalSearch",
    "RandomSearch",
    "RegularizedEvolution",
    "SearchResult",
    "TPESearch",
    "ZeroCostSearch",
    "read_result",
    "run",
]

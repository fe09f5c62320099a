"""Sessions: the searches that users start, alone or shared, recorded and resumed.

A session is planned (``plan``), given a strategy (``strategies``) and what is known of other
targets (``prior``, ``ranking``), and run (``start``, ``task``, ``sharing``) in a folder of its
own (``folders``). ``studies`` has the strategies for an Optuna study that a user already has.
"""

from .gradient import GRADIENT_STRATEGIES, GradientOptions
from .start import SearchProgress, run_search, search
from .strategies import make_search

__all__ = [
    "GRADIENT_STRATEGIES",
    "GradientOptions",
    "SearchProgress",
    "make_search",
    "run_search",
    "search",
]

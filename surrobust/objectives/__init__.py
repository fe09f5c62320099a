"""Where the values of a search come from, and the searches that users start.

An *objective* turns an architecture into a value: measured (``table``), predicted by a shipped
predictor (``surrogate``), trained and attacked (``train``), or computed by a callable of the
user's.
"""

from .gradient import GRADIENT_STRATEGIES, GradientOptions
from .sources import (
    OBJECTIVES,
    Objective,
    make_objective,
    surrogate_objective,
    table_objective,
)
from .start import Progress, run_search, search
from .strategies import make_search
from .trained import TrainOptions

__all__ = [
    "GRADIENT_STRATEGIES",
    "OBJECTIVES",
    "GradientOptions",
    "Objective",
    "Progress",
    "TrainOptions",
    "make_objective",
    "make_search",
    "run_search",
    "search",
    "surrogate_objective",
    "table_objective",
]

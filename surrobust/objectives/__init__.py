"""Where the values of a search come from.

An *objective* turns an architecture into a value: measured (``table``), predicted by a shipped
predictor (``surrogate``), trained and attacked (``train``), or computed by a callable of the
user's.
"""

from .sources import OBJECTIVES, Objective, make_objective, surrogate_objective, table_objective
from .trained import TrainOptions

__all__ = [
    "OBJECTIVES",
    "Objective",
    "TrainOptions",
    "make_objective",
    "surrogate_objective",
    "table_objective",
]

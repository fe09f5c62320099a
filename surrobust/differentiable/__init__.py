"""Differentiable search: an architecture by gradients through a supernet.

:func:`gradient_search` alternates between the weights of a supernet and its architecture
parameters. A strategy (:class:`AbstractGradientStrategy`) says which images the weights are fitted
to, what the outer objectives are and how their gradients become one.
"""

from .arnas import Arnas, combine_two
from .base import AbstractGradientStrategy, Darts, SearchBatch
from .dsrna import Dsrna
from .search import GradientOutcome, gradient_search
from .settings import PRESETS, Settings
from .unrolling import InnerStep, architecture_gradients

GRADIENT_CLASSES: dict[str, type[AbstractGradientStrategy]] = {
    method.name: method for method in (Darts, Dsrna, Arnas)
}
"""Every differentiable strategy by its name."""

__all__ = [
    "GRADIENT_CLASSES",
    "PRESETS",
    "AbstractGradientStrategy",
    "Arnas",
    "Darts",
    "Dsrna",
    "GradientOutcome",
    "InnerStep",
    "SearchBatch",
    "Settings",
    "architecture_gradients",
    "combine_two",
    "gradient_search",
]

"""Differentiable search: an architecture by gradients through a supernet.

:func:`gradient_search` alternates between the weights of a supernet and its architecture
parameters. A strategy (:class:`AbstractMethod`) says which images the weights are fitted to, what
the outer objectives are and how their gradients become one.
"""

from .arnas import Arnas, combine_two
from .base import AbstractMethod, Batch, Darts
from .dsrna import Dsrna
from .search import Outcome, gradient_search
from .settings import PRESETS, Settings
from .unrolling import InnerStep, architecture_gradients

METHODS: dict[str, type[AbstractMethod]] = {method.name: method for method in (Darts, Dsrna, Arnas)}
"""Every differentiable strategy by its name."""

__all__ = [
    "METHODS",
    "PRESETS",
    "AbstractMethod",
    "Arnas",
    "Batch",
    "Darts",
    "Dsrna",
    "InnerStep",
    "Outcome",
    "Settings",
    "architecture_gradients",
    "combine_two",
    "gradient_search",
]

"""Training: from a cell and images to a network, by a recipe.

A :class:`Recipe` is a frozen value that says everything; ``RECIPES`` has the known ones, and
:meth:`Recipe.with_` changes the fidelity. :class:`Training` carries one out and can be interrupted.
"""

from .loop import Training
from .pace import EpochEnd, Event, Projection
from .recipe import InnerAttack, Recipe
from .recipes import BENCHMARK_RECIPES, RECIPES, recipe_of
from .schedule import Cosine, MultiStep, OneCycle, Schedule
from .together import train_together

__all__ = [
    "BENCHMARK_RECIPES",
    "RECIPES",
    "Cosine",
    "EpochEnd",
    "Event",
    "InnerAttack",
    "MultiStep",
    "OneCycle",
    "Projection",
    "Recipe",
    "Schedule",
    "Training",
    "recipe_of",
    "train_together",
]

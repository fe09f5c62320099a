"""Small sets and recipes: fractions of a second."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from surrobust.images import ImageSet, load_images
from surrobust.spaces import DARTS_SPACES, AnyArchitecture, Architecture, Genotype
from surrobust.training import RECIPES, Recipe


@pytest.fixture(scope="session")
def few_digits() -> ImageSet:
    return load_images("digits", limit=150)


@pytest.fixture(scope="session")
def tiny() -> Recipe:
    return RECIPES["smoke"].with_(epochs=3, channels=2, cells=1)


@pytest.fixture(scope="session")
def genotype() -> Genotype:
    (found,) = DARTS_SPACES["arnas"].sample(1, seed=3)
    return found


@pytest.fixture(scope="session")
def small_case(genotype) -> Callable[[str, int], tuple[AnyArchitecture, Recipe]]:
    """By a recipe's name and epochs: a cell or genotype for it, and the recipe at its smallest.

    150 images make two full batches and one that is not.
    """

    def make(name: str, epochs: int) -> tuple[AnyArchitecture, Recipe]:
        recipe = replace(RECIPES[name], batch_size=64).with_(epochs=epochs)
        if recipe.attack is not None:
            few = min(recipe.attack.steps, 2)
            recipe = replace(recipe, attack=replace(recipe.attack, steps=few))
        if recipe.auxiliary is not None:
            return genotype, recipe.with_(channels=1, cells=3)
        return Architecture.parse("324142"), recipe.with_(channels=2, cells=1)

    return make

"""Small sets and recipes: fractions of a second."""

import pytest

from surrobust.images import ImageSet, load_images
from surrobust.spaces import DARTS_SPACES, Genotype
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

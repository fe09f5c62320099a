"""What a training begins with: its network, and its random generators, all from one seed."""

from typing import Any

import numpy as np
import torch

from ..images import ImageSet
from ..networks import NORMALISATIONS, CellNetwork, GenotypeNetwork, build_any_network
from ..spaces import AnyArchitecture
from .recipe import Recipe


def start_network(
    architecture: AnyArchitecture, images: ImageSet, recipe: Recipe, seed: int
) -> CellNetwork | GenotypeNetwork:
    """Return the network of a recipe for a set of images, on the CPU.

    Args:
        architecture: The cell, or a genotype.
        images: Their classes, size and statistics are the network's.
        recipe: Its sizes, and whether it has an auxiliary classifier.
        seed: Of the weights.

    Raises:
        InvalidInputError: If the recipe is not for such architectures, or the images are too small.
    """
    recipe.check_fits(architecture)
    # Only networks that have it know the option.
    options: dict[str, Any] = {} if recipe.auxiliary is None else {"auxiliary": True}
    return build_any_network(
        architecture,
        channels=recipe.channels,
        cells=recipe.cells,
        classes=len(images.classes),
        image_size=images.image_size,
        normalisation=NORMALISATIONS.get(images.name, images.statistics),
        generator=make_stream(seed, WEIGHTS),
        **options,
    )


# A new purpose goes to the end: the numbers are parts of seeds, and trainings would change.
WEIGHTS, ORDER, AUGMENTATION, ATTACK, CHECK, PATHS = range(6)
"""What random numbers are drawn for."""


def make_stream(
    seed: int, purpose: int, epoch: int = 0, *, device: torch.device | str = "cpu"
) -> torch.Generator:
    """Return a generator that depends on nothing but its arguments.

    So an interrupted training needs no state of generators to go on as it would have.
    """
    (word,) = np.random.SeedSequence([seed, purpose, epoch]).generate_state(1, np.uint64)
    return torch.Generator(device=device).manual_seed(int(word >> np.uint64(1)))

"""The network with which a training begins."""

from typing import Any

from ..images import ImageSet
from ..networks import (
    NORMALISATIONS,
    CellNetwork,
    GenotypeNetwork,
    build_any_network,
)
from ..spaces import AnyArchitecture
from . import streams
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
        generator=streams.make_stream(seed, streams.WEIGHTS),
        **options,
    )

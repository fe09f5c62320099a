"""The network of an architecture of whichever space."""

from typing import Any

from ..spaces import AnyArchitecture, Genotype
from .darts import GenotypeNetwork, build_genotype_network
from .network import CellNetwork, build_network


def build_any_network(
    architecture: AnyArchitecture, **options: Any
) -> CellNetwork | GenotypeNetwork:
    """Build a network by :func:`build_network` or :func:`build_genotype_network`.

    Args:
        architecture: A cell, or a genotype; ``cells`` then counts all cells, not those of a stage.
        **options: Of either function.
    """
    if isinstance(architecture, Genotype):
        return build_genotype_network(architecture, **options)
    return build_network(architecture, **options)

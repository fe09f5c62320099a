"""What a supernet of either kind derives, and how that is written."""

from typing import Any

import numpy as np

from ..spaces import Architecture, Genotype
from ..supernets import AbstractSupernet, CellSupernet, GenotypeSupernet, find_collapse


def write_edge_weights(network: AbstractSupernet) -> dict[str, Any]:
    """Return the weights of edges, where they have any, as JSON."""
    if not isinstance(network, GenotypeSupernet) or network.partial is None:
        return {}
    weights = network.edge_weights().detach().cpu().double().numpy()
    return {"edge_weights": np.round(weights, 6).tolist()}


def derive_cells(
    network: CellSupernet | GenotypeSupernet,
) -> tuple[dict[str, Architecture], Genotype | None]:
    """Return the derived cells of NAS-Bench-201 by role, or the derived genotype."""
    if isinstance(network, CellSupernet):
        return network.derive(), None
    return {}, network.derive()


def write_cells(network: CellSupernet | GenotypeSupernet) -> dict[str, Any]:
    """Return what a supernet derives, as JSON."""
    if isinstance(network, CellSupernet):
        found = network.derive()
        return {
            "cells": {role: cell.genotype for role, cell in found.items()},
            "cells_with_zeros": {r: c.genotype for r, c in network.derive(zeros=True).items()},
            "collapse": {role: find_collapse(cell) for role, cell in found.items()},
        }
    genotype = network.derive()
    none = "no convolution: nothing but skips and pools"
    return {
        "genotype": genotype.text,
        "cells": genotype.to_document()["cells"],
        "collapse": {r: None if c.has_convolution else none for r, c in genotype.cells},
    }

"""Networks: an architecture as the ``torch.nn.Module`` that its space builds around its cells.

:func:`build_network` takes a cell of NAS-Bench-201, :func:`build_genotype_network` the cells of a
DARTS-type space. Inputs are images in [0, 1]; the first layer normalises
them, so attacks live in pixel space. Nothing here reads or changes torch's global random state.
"""

from .cell import has_offsets, tell_network
from .darts import GenotypeNetwork, build_any_network, build_genotype_network
from .devices import find_device, name_device, tuned
from .folding import FoldedNetwork
from .network import CellNetwork, build_network
from .normalisation import NORMALISATIONS

__all__ = [
    "NORMALISATIONS",
    "CellNetwork",
    "FoldedNetwork",
    "GenotypeNetwork",
    "build_any_network",
    "build_genotype_network",
    "build_network",
    "find_device",
    "has_offsets",
    "name_device",
    "tell_network",
    "tuned",
]

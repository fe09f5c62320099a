"""Networks: an architecture as the ``torch.nn.Module`` that NAS-Bench-201 builds around a cell.

:func:`build_network` is the only way in. Inputs are images in [0, 1]; the first layer normalises
them, so attacks live in pixel space. Nothing here reads or changes torch's global random state.
"""

from .devices import find_device
from .network import CellNetwork, build_network
from .normalisation import NORMALISATIONS

__all__ = ["NORMALISATIONS", "CellNetwork", "build_network", "find_device"]

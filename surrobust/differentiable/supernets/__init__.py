"""Supernets: every architecture of a space at once, mixed by parameters that have gradients.

A supernet (:class:`AbstractSupernet`) has weights and architecture parameters ``alphas``: for each
role that a cell may play, for each edge, one number per op. Their softmax mixes the ops (Liu,
Simonyan & Yang, "DARTS: Differentiable Architecture Search", ICLR 2019, equation 2).
"""

from .base import AbstractSupernet
from .darts import GenotypeSupernet, build_genotype_supernet
from .nasbench201 import CellSupernet, build_cell_supernet, find_collapse, roles_at

__all__ = [
    "AbstractSupernet",
    "CellSupernet",
    "GenotypeSupernet",
    "build_cell_supernet",
    "build_genotype_supernet",
    "find_collapse",
    "roles_at",
]

"""What the benchmarks tell about architectures, recomputed from their tables.

A *part* answers one question with findings: a table, a figure, and a sentence with the figures in
it. :func:`analyze` runs parts and writes their files. Nothing here is fitted, and all 6466
representatives count unless a finding says otherwise.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from .capacity import capacity
from .correlations import correlations
from .distributions import distributions
from .finding import Finding, Part, analyze, write_finding
from .measured import PairedAccuracies
from .operations import operations
from .retraining import noise
from .training import training

PARTS: Mapping[str, Callable[[PairedAccuracies], list[Finding]]] = MappingProxyType(
    {
        "distributions": distributions,
        "correlations": correlations,
        "operations": operations,
        "capacity": capacity,
        "training": training,
        "noise": noise,
    }
)
"""Every part by its name."""

__all__ = ["PARTS", "Finding", "PairedAccuracies", "Part", "analyze", "write_finding"]

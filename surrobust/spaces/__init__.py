"""Search spaces: which architectures there are, how they are written, which are the same.

An *architecture* is a value (:class:`Architecture`); a *space* enumerates, samples and walks
architectures (:class:`NASBench201`); ``counts`` has the parameters and FLOPs of the published
networks. None of them knows tables, networks or numbers measured on them.
"""

from ._canonical import EDGES, OPS
from ._forms import is_key
from .architecture import (
    Architecture,
    find_representatives,
    known_cells,
    representative_indices,
    representatives_by_index,
)
from .base import AbstractSearchSpace
from .counts import count_flops, count_parameters
from .csv_rows import CsvRows, check_numbers, key_of, read_rows, written_text
from .darts import (
    DARTS_SPACES,
    AnyArchitecture,
    DARTSSpace,
    Genotype,
    NodeCell,
    is_genotype_text,
    parse_any,
)
from .drawing import draw_genotype
from .nasbench201 import NASBench201

SPACES: dict[str, type[AbstractSearchSpace[Architecture]]] = {"nas-bench-201": NASBench201}
"""Every search space by its name."""

__all__ = [
    "DARTS_SPACES",
    "EDGES",
    "OPS",
    "SPACES",
    "AbstractSearchSpace",
    "AnyArchitecture",
    "Architecture",
    "CsvRows",
    "DARTSSpace",
    "Genotype",
    "NASBench201",
    "NodeCell",
    "check_numbers",
    "count_flops",
    "count_parameters",
    "draw_genotype",
    "find_representatives",
    "is_genotype_text",
    "is_key",
    "key_of",
    "known_cells",
    "parse_any",
    "read_rows",
    "representative_indices",
    "representatives_by_index",
    "written_text",
]

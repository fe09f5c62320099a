"""GRAF's columns of a cell, computed by the authors' code from a checkout that the caller names.

Kadlecova et al., "Surprisingly Strong Performance Prediction with Neural Graph Features" (ICML
2024); repository gabikadlecova/GRAF. Nothing of it is in this repository.
"""

import json
import sys
from collections.abc import Sequence
from importlib import import_module
from itertools import chain, combinations
from pathlib import Path
from types import ModuleType

import numpy as np

from surrobust import Architecture
from surrobust.typing import FloatArray

OPS = ("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3")
"""As GRAF (and NASLib) numbers them."""
EDGES = ((1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4))


def graf_columns(cells: Sequence[Architecture], folder: Path) -> FloatArray:
    """Return GRAF's columns, shape ``(n, 191)``: counts, path lengths and degrees by set of ops.

    Args:
        cells: What to describe.
        folder: A checkout of gabikadlecova/GRAF.

    Raises:
        FileNotFoundError: If that is not in the folder.
    """
    config = folder / "graf_nas" / "configs" / "nb201.json"
    entries = json.loads(config.read_text())
    _without_its_init(folder)
    known = import_module("graf_nas.features.nasbench201").feature_func_dict
    as_net = import_module("graf_nas.search_space.base").NetGraph
    asked = [(known[entry["name"]], allowed) for entry in entries for allowed in _sets(entry)]
    rows = []
    for cell in cells:
        net = as_net(dict(enumerate(OPS)), dict(zip(EDGES, cell.op_indices, strict=True)))
        rows.append([x for feature, allowed in asked for x in _numbers(feature(net, *allowed))])
    return np.array(rows, dtype=float)


def _without_its_init(folder: Path) -> None:
    """Make ``graf_nas`` a bare package: its own ``__init__`` imports all of NASLib."""
    if "graf_nas" not in sys.modules:
        package = ModuleType("graf_nas")
        package.__path__ = [str(folder / "graf_nas")]
        sys.modules["graf_nas"] = package


def _sets(entry: dict[str, list[str]]) -> list[tuple[list[int], ...]]:
    """Return the arguments of a feature's calls: each set of its ops, smallest first, or none."""
    if "allowed" not in entry:
        return [()]
    numbers = [OPS.index(op) for op in entry["allowed"]]
    sizes = range(1, len(numbers) + 1)
    return [(list(s),) for s in chain.from_iterable(combinations(numbers, k) for k in sizes)]


def _numbers(found: float | dict[object, float]) -> list[float]:
    return list(found.values()) if isinstance(found, dict) else [found]

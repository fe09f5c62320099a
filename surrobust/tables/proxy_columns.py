"""The thirteen zero-cost proxies of NAS-Bench-Suite-Zero on CIFAR-10, as columns of numbers.

Krishnakumar, White, Zela, Tu, Safari, Hutter, "NAS-Bench-Suite-Zero: Accelerating Research on
Zero Cost Proxies" (NeurIPS Datasets and Benchmarks 2022, arXiv 2210.03230).
"""

import numpy as np

from .._checks import brief
from ..spaces import NASBench201
from ..typing import AnyPath, FloatArray
from ._formats import layout_error, parse_numbers, read_naslib_lines
from .loading import read_files

_FILE = "nb201_zc_proxies.csv"
_NAMES = (
    "epe_nas", "fisher", "flops", "grad_norm", "grasp", "jacov", "l2_norm", "nwot", "params",
    "plain", "snip", "synflow", "zen",
)  # fmt: skip
_FAILED = -1e8


def load_proxy_columns(*, data_dir: AnyPath | None = None) -> tuple[tuple[str, ...], FloatArray]:
    """Return published proxy scores.

    Returns:
        The names of the proxies, and scores ``(15625, 13)`` by architecture index; ``flops`` and
        ``params`` are in millions. NaN for the 6180 cells with dead branches, which were not
        scored, and where a proxy failed (published as -1e8).

    Raises:
        MissingMeasurementError: If the file is not there.
        ChecksumError: If it is not the published one.
    """
    lines = read_naslib_lines(
        read_files("zero-cost-proxies", data_dir)[_FILE], name=_FILE, columns=["net_str", *_NAMES]
    )
    scores = np.full((len(NASBench201()), len(_NAMES)), np.nan)
    for index, line in lines.items():
        genotype, _, numbers = line.partition(",")
        if genotype != NASBench201()[index].genotype:
            raise layout_error(f"{_FILE}: cell {index}", "its genotype", brief(genotype))
        scores[index] = parse_numbers(numbers, len(_NAMES), name=f"{_FILE}: cell {index}")
    scores[scores == _FAILED] = np.nan
    return _NAMES, scores

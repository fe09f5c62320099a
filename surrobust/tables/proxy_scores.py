"""Zero-cost scores that were computed once: our own, and those of NAS-Bench-Suite-Zero.

``data/proxies.json`` tells where they come from: seed, images, batch, network, commit, machine, and
how many cells each column has.

Krishnakumar, White, Zela, Tu, Safari, Hutter, "NAS-Bench-Suite-Zero: Accelerating Research on
Zero Cost Proxies" (NeurIPS Datasets and Benchmarks 2022, arXiv 2210.03230).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._checks import brief
from .._files import read_json, sha256
from .._places import shipped_folder
from ..errors import ChecksumError, MissingMeasurementError
from ..spaces import NASBench201
from ..typing import AnyPath, FloatArray
from .loading import read_files
from .published.formats import layout_error, parse_numbers, read_naslib_lines

if TYPE_CHECKING:
    from pandas import DataFrame


_SCORES, _PROVENANCE = "proxies.csv.gz", "proxies.json"


def load_proxy_scores() -> "DataFrame":
    """Return our proxy scores.

    Returns:
        One row per scored representative in the order in which they were drawn at random, indexed
        by architecture index; one float64 column per proxy, named as in
        :data:`surrobust.proxies.PROXIES` (options follow a hyphen). NaN where a proxy has no value
        or, for the costly ones, was not computed.

    Raises:
        MissingMeasurementError: If the package came without them.
        ChecksumError: If they are not the ones that their provenance tells of.
    """
    import pandas as pd

    path = find_shipped(_SCORES)
    if sha256(path) != load_proxy_provenance()["sha256"]:
        msg = f"{path}: expected the sha256 in {_PROVENANCE}, got another"
        raise ChecksumError(msg)
    return pd.read_csv(path, index_col="index").drop(columns="code")


def load_proxy_provenance() -> dict[str, Any]:
    """Return where the scores come from.

    Raises:
        MissingMeasurementError: If the package came without them.
    """
    provenance: dict[str, Any] = read_json(find_shipped(_PROVENANCE))
    return provenance


def find_shipped(name: str) -> Path:
    """Return the path of a file of ours that ships with the package.

    Raises:
        MissingMeasurementError: If it is not there.
    """
    path = shipped_folder("data") / name
    if not path.is_file():
        msg = f"shipped data: expected {name} in {path.parent}, got none"
        raise MissingMeasurementError(msg)
    return path


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

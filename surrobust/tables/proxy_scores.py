"""Our own zero-cost scores, ``data/proxies.csv.gz``; they ship inside the package.

``data/proxies.json`` tells where they come from: seed, images, batch, network, commit, machine, and
how many cells each column has.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._files import read_json, sha256
from ..errors import ChecksumError, MissingMeasurementError

if TYPE_CHECKING:
    from pandas import DataFrame

_PACKAGE = Path(__file__).resolve().parents[1]
_PLACES = (_PACKAGE / "_data", _PACKAGE.parent / "data")  # in a wheel, in a checkout
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
    path = next((place / name for place in _PLACES if (place / name).is_file()), None)
    if path is None:
        msg = f"shipped data: expected {name} in {_PLACES[0]} or {_PLACES[1]}, got none"
        raise MissingMeasurementError(msg)
    return path


def list_shipped(folder: str, pattern: str) -> list[Path]:
    """Return files of ours that ship with the package, by name; none where it came without."""
    found = next((place / folder for place in _PLACES if (place / folder).is_dir()), None)
    return [] if found is None else sorted(found.glob(pattern))

"""A reader of AnalogNAS-Bench for this experiment alone: representatives and four columns."""

import csv
from collections.abc import Mapping
from functools import cache

import numpy as np

from surrobust import Architecture
from surrobust._places import data_dirs
from surrobust.errors import InvalidInputError
from surrobust.spaces import representative_indices
from surrobust.typing import FloatArray

COLUMNS = {
    "clean": "baseline_accuracy",
    "qat": "qat_accuracy",
    "noisy": "noisy_accuracy",
    "drift-30day": "baseline_drift_2592000",
}
"""The targets and their columns in the file."""
TARGETS = tuple(COLUMNS)


@cache
def read_table() -> tuple[list[Architecture], dict[str, FloatArray]]:
    """Return the representatives by ascending index, and each target's values as fractions."""
    return read_columns(COLUMNS)


def read_columns(columns: Mapping[str, str]) -> tuple[list[Architecture], dict[str, FloatArray]]:
    """The same for columns of the file, by what they are to be called."""
    places = [folder / "analognas" / "analognasbench.csv" for folder in data_dirs()]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        msg = f"expected one of {', '.join(map(str, places))}, got no file"
        raise InvalidInputError(msg)
    with path.open(newline="") as file:
        rows = {
            Architecture.parse({"op_indices": [int(op) for op in row["arch"]]}).index: row
            for row in csv.DictReader(file)
        }
    indices = representative_indices()
    values = {
        target: np.array([float(rows[i][column]) for i in indices]) / 100
        for target, column in columns.items()
    }
    return [Architecture.parse(i) for i in indices], values

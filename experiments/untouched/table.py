"""A reader of AnalogNAS-Bench for this experiment alone: representatives and four columns."""

import csv
import os
from pathlib import Path

import numpy as np

from surrobust import Architecture
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


def read_table(
    data_dir: str | Path | None = None,
) -> tuple[list[Architecture], dict[str, FloatArray]]:
    """Return the representatives by ascending index, and each target's values as fractions.

    Args:
        data_dir: Folder with ``analognas/analognasbench.csv``; None means ``SURROBUST_DATA``.
    """
    folder = Path(data_dir or os.environ["SURROBUST_DATA"])
    with (folder / "analognas" / "analognasbench.csv").open(newline="") as file:
        rows = {
            Architecture.parse({"op_indices": [int(op) for op in row["arch"]]}).index: row
            for row in csv.DictReader(file)
        }
    indices = representative_indices()
    values = {
        target: np.array([float(rows[i][column]) for i in indices]) / 100
        for target, column in COLUMNS.items()
    }
    return [Architecture.parse(i) for i in indices], values

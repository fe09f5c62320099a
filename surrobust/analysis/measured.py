"""The two accuracy tables side by side: row by row the same 6466 representatives."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from ..spaces import Architecture, representatives_by_index
from ..tables import load_table
from ..targets import Target
from ..typing import AnyPath, FloatArray, IntArray

ADVERSARIAL, STANDARD = "nas-robbench-201", "jung2023"
"""Benchmarks by how their networks were trained."""

IMAGE_SETS = ("cifar10", "cifar100", "imagenet16-120")
_CLASSES = {"cifar10": 10, "cifar100": 100, "imagenet16-120": 120}


class PairedAccuracies:
    """Adversarially and conventionally trained accuracies of the same cells.

    Args:
        data_dir: Where the tables are; None looks in the usual places.

    Raises:
        MissingMeasurementError: If a table is not there.
        ChecksumError: If a file is not the published one.
    """

    def __init__(self, data_dir: AnyPath | None = None) -> None:
        self.data_dir = data_dir
        self._tables = {
            name: load_table(name, data_dir=data_dir) for name in (ADVERSARIAL, STANDARD)
        }

    @property
    def targets(self) -> tuple[str, ...]:
        """All accuracies, those of adversarial training first."""
        return tuple(target for table in self._tables.values() for target in table.targets)

    @cached_property
    def cells(self) -> tuple[Architecture, ...]:
        """The representatives, by ascending index: the rows of every column."""
        return self._tables[ADVERSARIAL].architectures

    @cached_property
    def ops(self) -> IntArray:
        """Op numbers, ``(6466, 6)``, edges ordered by target."""
        return np.array([cell.ops for cell in self.cells])

    @cached_property
    def row_of_index(self) -> IntArray:
        """For each of the 15625 cells, the row of its representative."""
        rows = {cell.index: row for row, cell in enumerate(self.cells)}
        return np.array([rows[index] for index in representatives_by_index()])

    def values(self, target: str) -> FloatArray:
        """Return the accuracies of a target, ``(6466,)``."""
        return self._tables[Target.parse(target).benchmark].values(target)

    def mean_of(self, targets: Sequence[str]) -> FloatArray:
        """Return each cell's mean over targets, ``(6466,)``."""
        return np.asarray(np.mean([self.values(target) for target in targets], axis=0))


def chance(target: str) -> float:
    """Return the accuracy of guessing: one over the number of classes."""
    return 1.0 / _CLASSES[Target.parse(target).images]


def best_rows(values: FloatArray, n: int) -> IntArray:
    """Return the rows of the ``n`` largest values; of equals, the earlier."""
    return np.argsort(-values, kind="stable")[:n]

"""A table in the place of the benchmarks."""

from collections.abc import Callable

import numpy as np
import pytest

from surrobust.benchmark.searches import leaderboard, protocol
from surrobust.spaces import NASBench201, representative_indices
from surrobust.tables import MeasurementTable
from surrobust.targets import targets_of


@pytest.fixture(scope="session")
def toy_tables(space: NASBench201) -> dict[str, MeasurementTable]:
    """Accuracy is the index of a cell over 20000; latency is what is left of 20 ms."""
    indices = np.array(list(representative_indices()), dtype=float)
    names = targets_of("jung2023")
    accuracies = np.repeat(indices[:, None] / 20000, len(names), axis=1)
    devices = targets_of("hw-nas-bench")
    latencies = 20 - np.repeat(np.arange(15625.0)[:, None] / 1000, len(devices), axis=1)
    return {
        "jung2023": MeasurementTable("jung2023", accuracies),
        "hw-nas-bench": MeasurementTable("hw-nas-bench", latencies, per_cell=True),
    }


@pytest.fixture
def tables(
    toy_tables: dict[str, MeasurementTable], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., MeasurementTable]:
    def load(name: str, *, data_dir: object = None) -> MeasurementTable:
        return toy_tables[name]

    for module in (protocol, leaderboard):
        monkeypatch.setattr(module, "load_table", load)
    return load

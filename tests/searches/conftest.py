"""Toy objectives and pools for the tests of searches."""

from collections.abc import Callable

import numpy as np
import pytest

from surrobust.searches import SEARCHES, AbstractSearch
from surrobust.spaces import Architecture, NASBench201


def smooth(cell: Architecture) -> float:
    """A made-up accuracy: convolutions help, more so late in the cell."""
    gain = np.array([-0.02, 0.01, 0.03, 0.05, 0.0])
    return float(0.3 + sum(gain[op] * (1 + 0.1 * e) for e, op in enumerate(cell.ops)))


@pytest.fixture(scope="session")
def objective() -> Callable[[Architecture], float]:
    return smooth


@pytest.fixture(scope="session")
def pool(space: NASBench201) -> list[Architecture]:
    """Cells, isomorphic ones included, that begin with a skip and have few ops in other places."""
    return [c for c in space if c.ops[0] == 1 and max(c.ops[1], c.ops[2], c.ops[5]) <= 1][:90]


@pytest.fixture
def start(space: NASBench201) -> Callable[..., AbstractSearch]:
    """Start a strategy by its name."""

    def start_named(name: str, **options: object) -> AbstractSearch:
        return SEARCHES[name](space, **options)

    return start_named

"""The laws of a search space, and NAS-Bench-201's sizes."""

import numpy as np
import pytest

from surrobust.errors import InvalidArchitectureError, InvalidInputError
from surrobust.spaces import SPACES, AbstractSearchSpace, Architecture, NASBench201


@pytest.fixture(params=sorted(SPACES))
def any_space(request: pytest.FixtureRequest) -> AbstractSearchSpace[Architecture]:
    return SPACES[request.param]()


def test_contract_sampling(any_space: AbstractSearchSpace[Architecture]):
    drawn = any_space.sample(50, seed=3)
    assert len(set(drawn)) == 50
    assert drawn == any_space.sample(50, seed=3)
    assert drawn != any_space.sample(50, seed=4)
    rng = np.random.default_rng(3)
    assert any_space.sample(50, seed=rng) == drawn
    assert any_space.sample(50, seed=rng) != drawn  # the generator has moved on


def test_contract_neighbours_are_symmetric(any_space: AbstractSearchSpace[Architecture]):
    for cell in any_space.sample(20, seed=0):
        around = any_space.neighbours(cell)
        assert len(set(around)) == len(around)
        assert cell not in around
        assert all(cell in any_space.neighbours(other) for other in around)
        assert any_space.mutate(cell, seed=1) in around


def test_contract_length_and_order(any_space: AbstractSearchSpace[Architecture]):
    cells = list(any_space)
    assert len(cells) == len(any_space) == len(set(cells))
    assert any_space[17] == cells[17]


def test_nasbench201_has_24_neighbours(space: NASBench201):
    assert len(space) == 15625
    cell = space[2581]
    around = space.neighbours(cell)
    assert len(around) == 24
    assert all(sum(a != b for a, b in zip(cell.ops, o.ops, strict=True)) == 1 for o in around)


def test_mutation_reaches_every_neighbour(space: NASBench201, rng: np.random.Generator):
    cell = space[0]
    reached = {space.mutate(cell, seed=rng) for _ in range(500)}
    assert reached == set(space.neighbours(cell))


def test_refusals(space: NASBench201):
    with pytest.raises(InvalidInputError, match="at most 15625 distinct"):
        space.sample(15626, seed=0)
    with pytest.raises(InvalidInputError, match="at least 0, got -1"):
        space.sample(-1, seed=0)
    with pytest.raises(InvalidArchitectureError, match=r"0\.\.15624, got 15625"):
        space[15625]

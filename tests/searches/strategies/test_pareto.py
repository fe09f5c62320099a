"""The guided search for the front."""

import numpy as np
import pytest

from surrobust.errors import InvalidInputError
from surrobust.searches import Goals, ParetoSearch, run
from surrobust.spaces import count_parameters

GOALS = Goals((True, False))


@pytest.fixture(scope="module")
def cost(space):
    return {cell: -count_parameters(cell) / 1e6 for cell in space.representatives()}


@pytest.fixture
def two(objective, cost):
    return lambda cell: (objective(cell), -cost[cell])


def test_a_known_objective_needs_no_model(space, two, cost):
    search = ParetoSearch(space, known={1: cost}, n_objectives=2, seed=0)
    done = run(search, two, budget=14, source="toy", goals=GOALS)
    assert [model.noise_std_ > 0 for model in search._models] == [True, False]
    told = np.array([cost[e.architecture] for e in done])
    belief = search._recall(1, told, [])
    everything = np.array(sorted({cost[lead] for lead in search._pool.leads}))
    assert not belief.std.any()
    # Scores have the order of the costs, and equal costs have equal scores.
    rank_of = {value: rank for rank, value in enumerate(everything)}
    order = np.argsort([rank_of[cost[lead]] for lead in search._pool.leads], kind="stable")
    assert (np.diff(belief.mean[order]) >= 0).all()
    assert len(np.unique(belief.mean)) == len(everything)
    leads = {cost[lead]: score for lead, score in zip(search._pool.leads, belief.mean, strict=True)}
    np.testing.assert_allclose(belief.told, [leads[value] for value in told])


def test_a_small_space_is_searched_to_the_end(space, two, cost, pool):
    search = ParetoSearch(space, known={1: cost}, n_objectives=2, candidates=pool, seed=0)
    done = run(search, two, budget=10_000, source="toy", goals=GOALS)
    assert {e.architecture for e in done} == {cell.representative for cell in pool}


def test_what_is_known_of_everything_is_searched_without_a_model(space, cost):
    known = {0: {cell: -value for cell, value in cost.items()}, 1: cost}
    search = ParetoSearch(space, known=known, n_objectives=2, seed=0)
    done = run(search, lambda c: (-cost[c], -cost[c]), budget=20, source="toy", goals=GOALS)
    points = GOALS.points(done)
    np.testing.assert_allclose(points[:, 0], -points[:, 1])
    assert len(done) == 20


def test_as_long_as_nothing_keeps_the_constraint_it_is_what_is_searched_for(space, objective):
    search = ParetoSearch(space, n_constraints=1, seed=0)
    for _ in range(30):
        (cell,) = search.ask()
        search.tell(cell, 0.0, [2.0 - objective(cell)])
    values = [2.0 - row[1][0] for row in search._rows.values()]
    assert np.mean(values[20:]) > np.mean(values[:10]) + 0.05


def test_what_others_measure_counts_as_predicted(space, two, cost):
    search = ParetoSearch(space, known={1: cost}, n_objectives=2, seed=0)
    run(search, two, budget=12, source="toy", goals=GOALS)
    (first,) = search.ask()
    search.expect("333333")
    (second,) = search.ask()
    assert len({first, second}) == 2


@pytest.mark.parametrize("change", [{2: {}}, {1: {}}])
def test_what_is_not_known_of_every_candidate_is_refused(space, change):
    with pytest.raises(InvalidInputError, match="known: expected a number of every candidate"):
        ParetoSearch(space, known=change, n_objectives=2)

"""What the numbers of an evaluation are for."""

import pytest

from surrobust.errors import InvalidInputError
from surrobust.searches import Bound, Evaluation, Goals
from surrobust.searches.goals import check_directions, directions_of
from surrobust.spaces import Architecture

ROBUST, CLEAN = "nas-robbench-201/cifar10/pgd-8", "nas-robbench-201/cifar10/clean"
LATENCY = "hw-nas-bench/cifar10/raspi4-latency"
CELLS = [Architecture.parse(i).representative for i in range(5)]


def test_bounds_by_hand():
    most, least = Bound(LATENCY, 10.0, is_upper=True), Bound(CLEAN, 0.7, is_upper=False)
    assert (most.excess(12.5), most.excess(10.0), most.excess(9.0)) == (2.5, 0.0, -1.0)
    assert least.excess(0.5) == pytest.approx(0.2)
    assert (most.is_known, least.is_known, Bound("params", 1e6, is_upper=True).is_known) == (
        True,
        False,
        True,
    )
    assert [str(most), str(least)] == [f"{LATENCY} <= 10", f"{CLEAN} >= 0.7"]


def test_directions_follow_from_the_quantities():
    assert directions_of([ROBUST, LATENCY, "params", "flops", CLEAN]) == (
        "maximize",
        "minimize",
        "minimize",
        "minimize",
        "maximize",
    )


@pytest.mark.parametrize("directions", [(), "maximize", ["maximize", "up"], None, 3])
def test_bad_directions_are_refused(directions):
    with pytest.raises(InvalidInputError, match="directions: expected a list of maximize and"):
        check_directions(directions)


def test_a_measurement_is_read_into_values_and_bounded_quantities():
    bounds = (Bound(LATENCY, 10.0, is_upper=True),)
    (cell,) = CELLS[:1]
    assert Goals().read(0.5, cell, 0, "t") == Evaluation(cell, 0.5, 0, "t")
    assert Goals((True,), bounds).read([0.5, 3], cell, 0, "t") == Evaluation(
        cell, 0.5, 0, "t", (), (3.0,)
    )
    assert Goals((True, False), bounds).read([0.5, 7, 3], cell, 1, "t") == Evaluation(
        cell, 0.5, 1, "t", (0.5, 7.0), (3.0,)
    )
    with pytest.raises(InvalidInputError, match=r"value: expected 2 finite numbers, got 0\.5"):
        Goals((True, False)).read(0.5, cell, 0, "t")
    with pytest.raises(InvalidInputError, match="value: expected a finite number"):
        Goals().read([0.5, 0.1], cell, 0, "t")


def test_the_front_by_hand():
    goals = Goals((True, False), (Bound(CLEAN, 0.7, is_upper=False),))
    rows = [((0.4, 9.0), 0.8), ((0.3, 5.0), 0.8), ((0.3, 6.0), 0.9), ((0.9, 1.0), 0.6)]
    rows.append(((0.3, 5.0), 0.7))
    evaluations = [
        goals.read([*values, clean], CELLS[i], i, "t") for i, (values, clean) in enumerate(rows)
    ]
    assert [e.trial for e in goals.front(evaluations)] == [0, 1, 4]
    assert [e.trial for e in goals.keeping(evaluations)] == [0, 1, 2, 4]
    assert goals.points(evaluations)[1].tolist() == [0.3, -5.0]
    assert goals.points([]).shape == (0, 2)


def test_constraints_of_the_callers_own_count_beside_the_bounds():
    bounds = (Bound(CLEAN, 0.7, is_upper=False), Bound("params", 1.0, is_upper=True))
    assert Goals((True,), bounds, n_others=2).n_constraints == 3
    assert Goals(n_others=1).are_several
    assert not Goals().are_several

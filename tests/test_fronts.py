"""Fronts and volumes against values worked out by hand, and against counting."""

import itertools

import numpy as np
import pytest

from surrobust.errors import InvalidInputError
from surrobust.metrics import crowding_distances, hypervolume, non_dominated, non_dominated_ranks

STAIRS = np.array([[3.0, 1.0], [2.0, 2.0], [1.0, 3.0]])


def test_what_is_dominated_by_hand():
    points = np.array([[3, 1], [2, 2], [2, 1], [1, 3], [2, 2], [0, 3]])
    assert non_dominated(points).tolist() == [True, True, False, True, True, False]
    assert non_dominated(np.array([[1.0], [3.0], [3.0]])).tolist() == [False, True, True]
    assert non_dominated(np.empty((0, 2))).tolist() == []


def test_ranks_by_hand():
    points = np.array([[1, 1], [3, 1], [2, 2], [1, 3], [2, 1], [0, 0]])
    assert non_dominated_ranks(points).tolist() == [2, 0, 0, 0, 1, 3]


def test_ranks_equal_peeling_one_front_after_another(rng):
    points = rng.integers(0, 6, size=(60, 3)).astype(float)
    expected, left, rank = np.full(60, -1), np.arange(60), 0
    while len(left):
        on_front = [
            not any((points[j] >= points[i]).all() and (points[j] != points[i]).any() for j in left)
            for i in left
        ]
        expected[left[on_front]] = rank
        left, rank = left[~np.array(on_front)], rank + 1
    assert rank > 3
    assert non_dominated_ranks(points).tolist() == expected.tolist()


def test_what_breaks_constraints_comes_after_what_keeps_them_the_least_first():
    points = np.array([[0.0, 0.0], [9.0, 9.0], [1.0, 1.0], [8.0, 8.0], [9.0, 9.0]])
    violations = np.array([0.0, 0.5, 0.0, 0.2, 0.5])
    assert non_dominated_ranks(points, violations).tolist() == [1, 3, 0, 2, 3]


def test_crowding_by_hand():
    # Ranges 4 and 8: the second point's neighbours are (2 - 0) / 4 + (8 - 4) / 8 apart, and so on.
    points = np.array([[4.0, 0.0], [1.0, 6.0], [2.0, 4.0], [0.0, 8.0]])
    np.testing.assert_allclose(crowding_distances(points), [np.inf, 1.0, 0.75 + 0.75, np.inf])


def test_crowding_of_few_and_of_equal_points():
    assert crowding_distances(np.array([[1.0, 2.0]])).tolist() == [0.0]
    assert crowding_distances(np.array([[1.0, 2.0], [2.0, 1.0]])).tolist() == [np.inf, np.inf]
    assert crowding_distances(np.full((3, 2), 0.5)).tolist() == [0.0, 0.0, 0.0]


def test_hypervolume_by_hand():
    assert hypervolume(STAIRS, np.zeros(2)) == 6.0
    assert hypervolume(np.array([[2.0], [5.0]]), np.array([1.0])) == 4.0
    # 2 x 2 x 2 and 1 x 1 x 3, of which 1 x 1 x 2 is in both.
    assert hypervolume(np.array([[2.0, 2, 2], [1, 1, 3]]), np.zeros(3)) == 9.0


def test_dominated_and_distant_points_add_nothing():
    more = np.vstack([STAIRS, STAIRS, [[1.0, 1.0], [9.0, 0.0], [-1.0, 9.0]]])
    assert hypervolume(more, np.zeros(2)) == 6.0
    assert hypervolume(np.empty((0, 2)), np.zeros(2)) == 0.0


@pytest.mark.parametrize("m", [2, 3, 4])
def test_hypervolume_equals_inclusion_and_exclusion(rng, m):
    points, reference = rng.random((7, m)), rng.random(m) * 0.3
    total = 0.0
    for size in range(1, 8):
        for some in itertools.combinations(np.maximum(points - reference, 0.0), size):
            total -= (-1) ** size * np.prod(np.min(some, axis=0))
    assert hypervolume(points, reference) == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize("m", [2, 3])
def test_hypervolume_equals_the_share_of_random_points_that_are_dominated(rng, m):
    points, drawn = rng.random((30, m)), rng.random((200_000, m))
    dominated = np.zeros(len(drawn), dtype=bool)
    for point in points:
        dominated |= (drawn <= point).all(axis=1)
    assert hypervolume(points, np.zeros(m)) == pytest.approx(dominated.mean(), abs=0.004)


def test_bad_shapes_are_refused():
    with pytest.raises(InvalidInputError, match=r"values: expected points of shape \(n, m\)"):
        non_dominated(np.zeros(3))
    with pytest.raises(InvalidInputError, match="reference: expected one number per objective"):
        hypervolume(STAIRS, np.zeros(3))

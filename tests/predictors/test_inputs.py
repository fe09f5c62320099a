"""What fit is given: its order, its names, and the first cell of each key."""

import numpy as np
import pytest

from surrobust.errors import InvalidInputError
from surrobust.predictors.inputs import TrainingCells, distinct


def test_the_order_is_by_index_then_value():
    given = TrainingCells.of([7, 3, 7], [0.2, 0.5, 0.1], None, least=2)
    assert [cell.index for cell in given.cells] == [3, 7, 7]
    np.testing.assert_array_equal(given.values, [[0.5], [0.1], [0.2]])
    assert given.names == ("value",)
    assert given.is_single


def test_columns_are_named():
    given = TrainingCells.of([7, 3], [[1, 2], [3, 4]], None, least=2)
    assert given.names == ("value-0", "value-1")
    assert not given.is_single
    assert TrainingCells.of([7, 3], [[1, 2], [3, 4]], ["a", "b"], least=2).names == ("a", "b")
    with pytest.raises(InvalidInputError, match="targets: expected 2 distinct names"):
        TrainingCells.of([7, 3], [[1, 2], [3, 4]], ["a", "a"], least=2)


def test_nothing_measured_is_enough_where_none_is_needed():
    assert TrainingCells.of([], [], ["a"], least=0).values.shape == (0, 1)
    with pytest.raises(InvalidInputError, match="expected at least 1"):
        TrainingCells.of([], [], ["a"], least=1)


def test_values_that_would_not_be_read_back_are_refused():
    with pytest.raises(InvalidInputError, match=r"y: expected numbers of at most 1e\+18"):
        TrainingCells.of([7, 3], [0.1, -1e19], None, least=2)


def test_each_key_once(toy_cells):
    a, b, c = toy_cells[:3]
    firsts, where = distinct([a, b, c, b], ["x", "y", "x", "y"])
    assert firsts == [a, b]
    assert where.tolist() == [0, 1, 0, 1]

"""Feature groups of what cells compute, against numbers counted by hand."""

import numpy as np
import pytest

from surrobust.encodings import function_groups
from surrobust.encodings.function_groups import GROUPS, encode_function_groups
from surrobust.spaces import Architecture, NASBench201


@pytest.fixture(scope="module")
def classes(space: NASBench201) -> list[Architecture]:
    return list({cell.function_class: cell for cell in space}.values())


def test_cells_that_compute_the_same_get_the_same_row(space):
    rows: dict[str, np.ndarray] = {}
    cells = space.sample(400, seed=0)
    for cell, row in zip(cells, np.concatenate(encode_function_groups(cells), axis=1), strict=True):
        np.testing.assert_array_equal(row, rows.setdefault(cell.function_class, row))


def test_every_group_is_centred_and_of_mean_squared_distance_one(classes):
    groups = encode_function_groups(classes)
    assert len(groups) == len(GROUPS) == 3
    for values in groups:
        assert values.shape[0] == 4930
        np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-12)
        assert 2 * (values**2).sum(axis=1).mean() == pytest.approx(1)


def test_classes_are_told_apart_except_by_who_shares_a_convolution(classes):
    rows = np.round(np.concatenate(encode_function_groups(classes), axis=1), 9)
    assert len(np.unique(rows, axis=0)) > 4600


@pytest.mark.parametrize(
    ("form", "paths"),
    [
        ("0", []),
        ("x", [()]),
        ("x+x", [(), ()]),
        ("conv3x3(x)", [(1,)]),
        ("conv1x1(pool(x)+x)+x", [(2, 0), (0,), ()]),
        ("pool(conv1x1(conv3x3(x)+x))", [(1, 0, 2), (0, 2)]),
    ],
)
def test_paths_from_input_to_output(form, paths):
    assert sorted(function_groups._paths(form)) == sorted(paths)


def test_applications_are_counted_with_and_without_repeats():
    counts = function_groups._op_counts("conv1x1(conv3x3(x)+x)+conv3x3(x)+pool(x)")
    assert counts.tolist() == [1, 2, 1, 1, 1, 1]


def test_the_shape_of_a_cell_by_hand():
    shape = function_groups._shape(((1, 0), (2,), ()))
    assert shape[[0, 2, 3, 4, 5]].tolist() == [3, 1, 1, 0, 2]  # paths, plain, lengths
    assert shape[6] == 1.0  # mean length
    assert shape[-1] == 0


def test_an_empty_list_is_encoded():
    assert [g.shape[0] for g in encode_function_groups([])] == [0, 0, 0]

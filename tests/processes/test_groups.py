"""Feature groups of what cells compute, for kernels."""

import numpy as np
import pytest

from surrobust.encodings import Columns, FunctionFeatureEncoder
from surrobust.encodings.joined import Features
from surrobust.processes.groups import KernelGroups, function_groups
from surrobust.spaces import Architecture, NASBench201


def test_cells_of_one_form_get_the_same_row(space: NASBench201):
    rows: dict[object, np.ndarray] = {}
    cells, form = space.sample(400, seed=0), FunctionFeatureEncoder().key
    for cell, row in zip(cells, function_groups().encode(cells), strict=True):
        np.testing.assert_array_equal(row, rows.setdefault(form(cell), row))
    assert len(rows) < 380


def test_every_group_is_centred_and_of_mean_squared_distance_one(space: NASBench201):
    known = Columns(("a", "b"), np.random.default_rng(0).normal(size=(6466, 2)), (1, 1))
    groups = KernelGroups(Features("paths+features+one_hot", known))
    names = ("paths", "count", "stat", "feed", "field", "flow", "one_hot", "columns", "columns")
    assert groups.names == names
    rows = groups.encode(space.representatives())
    assert rows.shape == (6466, groups.size)
    for values in (rows[:, part] for part in groups.slices):
        np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-10)
        assert 2 * (values**2).sum(axis=1).mean() == pytest.approx(1)


def test_paths_are_counted_to_the_root_and_weights_by_column():
    # One 3x3 path and none; two equal ways count to a root of two.
    none, one, two = (Architecture.parse(code) for code in ("000000", "000300", "310310"))
    groups = function_groups()
    rows = groups.encode([none, one, two])
    paths = rows[:, groups.slices[groups.names.index("paths")]]
    steps = ((paths - paths[0]) ** 2).sum(axis=1)
    assert steps[2] / steps[1] == pytest.approx(2)
    counts = rows[:, groups.slices[groups.names.index("count")]]
    steps = counts - counts[0]
    np.testing.assert_allclose(steps[2][1:3], 2 * steps[1][1:3])  # 3x3 convolutions, convolutions
    assert steps[1][0] == 0  # 1x1 convolutions


def test_classes_are_told_apart_except_by_who_shares_a_convolution(space: NASBench201):
    classes = list({cell.function_class: cell for cell in space}.values())
    rows = np.round(function_groups().encode(classes), 9)
    assert len(np.unique(rows, axis=0)) > 4600


def test_an_empty_list_is_encoded():
    assert function_groups().encode([]).shape == (0, function_groups().size)

"""Rows of one cell: what counts as one, whole on one side of a split, judged once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surrobust.predictors import make_predictor
from surrobust.predictors.repeats import (
    cell_groups,
    coverage_of_each,
    mean_of_each,
    numbered,
    split_groups,
)
from surrobust.predictors.saving.card import load_card

from .test_conformal import Known

GROUPS = st.lists(st.integers(0, 6), min_size=1, max_size=40).map(np.array)


def test_isomorphic_cells_are_one_and_cells_that_compute_the_same_are_not(space):
    cells = list(space)[:2000]
    groups = cell_groups(cells)
    assert len(set(groups.tolist())) < len(cells)
    for cell, group in zip(cells, groups, strict=True):
        assert space[int(group)] == cell.representative
    representatives = space.representatives()
    apart = cell_groups(representatives)
    assert len(set(apart.tolist())) == len(representatives)
    assert len({cell.function_class for cell in representatives}) < len(representatives)
    assert cell_groups([]).shape == (0,)


def test_groups_are_numbered_and_averaged_as_they_first_occur():
    groups = np.array([7, 3, 7, 9])
    assert numbered(groups).tolist() == [0, 1, 0, 2]
    assert mean_of_each(groups, np.array([1.0, 5.0, 2.0, 0.3])).tolist() == [1.5, 5.0, 0.3]


def test_an_architecture_of_many_measurements_weighs_as_one_in_the_coverage():
    groups, true = np.array([4, 4, 4, 4, 8]), np.array([0.0, 0.0, 0.0, 3.0, 3.0])
    assert coverage_of_each(groups, true, true - 1, np.full(5, 2.0)) == 0.75 / 2
    ends = np.zeros(5), np.full(5, 3.0)
    assert coverage_of_each(groups, true, *ends) == 1  # ends count as inside


@given(groups=GROUPS, n_train=st.integers(1, 40), seed=st.integers(0, 5))
def test_no_cell_stands_on_both_sides_and_no_row_is_lost(groups, n_train, seed):
    n_train = min(n_train, len(groups))
    train, test = split_groups(groups, n_train=n_train, seed=seed)
    assert not set(groups[train].tolist()) & set(groups[test].tolist())
    assert sorted([*train, *test]) == list(range(len(groups)))
    assert len(train) >= n_train
    last = groups[train] == groups[train[-1]]
    assert (~last).sum() < n_train  # without its last cell it would be too few


@given(n=st.integers(1, 60), share=st.floats(0, 1), seed=st.integers(0, 5))
def test_without_repetition_the_split_is_the_shuffle(n, share, seed):
    n_train = max(1, round(share * n))
    train, test = split_groups(np.arange(n)[::-1], n_train=n_train, seed=seed)
    order = np.random.default_rng(seed).permutation(n)
    assert (train.tolist(), test.tolist()) == (order[:n_train].tolist(), order[n_train:].tolist())


def test_a_cell_of_many_rows_is_drawn_no_more_often_than_another():
    """The first cell has 40 of 49 rows; one of ten cells is trained on, each as often."""
    groups = np.array([0] * 40 + list(range(1, 10)))
    times = sum(0 in groups[split_groups(groups, n_train=1, seed=s)[0]] for s in range(2000))
    assert abs(times / 2000 - 0.1) < 5 * np.sqrt(0.1 * 0.9 / 2000)


def test_a_split_by_hand():
    groups = np.array([5, 2, 2, 5, 7])
    order = np.random.default_rng(0).permutation(5).tolist()
    assert order == [2, 4, 3, 0, 1]  # the first rows of 5, 2, 7 are 0, 1, 4: 7 comes, then 5, 2
    train, test = split_groups(groups, n_train=2, seed=0)
    assert (train.tolist(), test.tolist()) == ([4, 3, 0], [2, 1])


class Counting(Known):
    """Predicts the number of convolutions, whatever it is fitted to."""

    def _predict(self, cells):
        mean = np.array([[float(cell.ops.count(2) + cell.ops.count(3))] for cell in cells])
        return mean, np.ones_like(mean)


@pytest.fixture
def figures(tmp_path):
    """Save a model, and return what its card says of it."""

    def save(model):
        model.save(tmp_path / "model")
        return load_card(tmp_path / "model").metrics["value"]

    return save


def test_cross_validated_figures_are_of_means_of_architectures(toy_cells, figures):
    """Two measurements of each around the value of a single one change no figure."""
    value = np.random.default_rng(0).normal(size=60) + [cell.ops.count(3) for cell in toy_cells]
    once = Counting(calibration_folds=4).fit(toy_cells, value)
    gaps = np.concatenate([np.full(60, 0.5), np.full(60, -0.5)])
    twice = Counting(calibration_folds=4).fit(toy_cells * 2, np.tile(value, 2) + gaps)
    found, expected = figures(twice), figures(once)
    assert found["n"] == expected["n"] == 60
    for name in ("kendall_tau", "r2", "rmse"):
        assert np.isclose(found[name], expected[name], rtol=1e-12)
        assert np.isclose(found[f"{name}_sd"], expected[f"{name}_sd"], rtol=1e-9)


def test_a_repeated_architecture_counts_once_in_cross_validated_coverage(toy_cells, figures):
    """A cell far off, measured 50 times, is one miss of 60."""
    value = np.array([float(cell.ops.count(2) + cell.ops.count(3)) for cell in toy_cells])
    value += np.linspace(-1, 1, 60)
    value[0] += 100
    rows = [*toy_cells, *[toy_cells[0]] * 49]
    y = np.concatenate([value, np.full(49, value[0])])
    found = [
        figures(Counting(calibration_folds=3).fit(cells, values))
        for cells, values in ((toy_cells, value), (rows, y))
    ]
    # The folds differ, as they are dealt by rows; a share of rows would be below .6.
    assert found[1]["coverage_90"] > 0.85
    assert abs(found[1]["coverage_90"] - found[0]["coverage_90"]) < 0.1


def test_the_card_tells_rows_and_cells_where_they_differ(toy_cells, toy_values, tmp_path):
    model = make_predictor("random_forest", trees=3).fit(toy_cells * 2, np.tile(toy_values, 2))
    model.save(tmp_path / "model", trained_on={"file": "mine"})
    assert load_card(tmp_path / "model").trained_on == {"file": "mine", "n": 120, "n_cells": 60}

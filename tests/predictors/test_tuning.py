"""Tuning of boosted trees: inside the training cells, repeatable, kept."""

import numpy as np
import pytest

from surrobust.encodings import twin_groups
from surrobust.predictors import load_folder, make_predictor
from surrobust.predictors.tuning import TreeParameters, tune, tuning_folds
from surrobust.spaces import NASBench201

START = TreeParameters(trees=50, depth=4, learning_rate=0.1, subsample=0.8, column_share=0.5)


def test_twins_share_a_fold_and_few_cells_are_divided_more_than_once(space):
    cells = list(space)[:300:2]
    folds = tuning_folds(cells, seed=0)
    assert folds.shape == (1, 150)
    groups = twin_groups(cells)
    for group in np.unique(groups):
        assert len(set(folds[0, groups == group])) == 1
    assert tuning_folds(cells[:30], seed=0).shape == (5, 30)
    assert tuning_folds(cells[:9], seed=0).shape == (0, 9)
    assert tuning_folds([cells[0]] * 20, seed=0).shape == (0, 20)


def test_the_depth_that_the_data_need_is_found(rng):
    """A sum of two steps needs no interactions, a parity of three signs needs depth 3."""
    rows = rng.normal(size=(300, 3)).astype(np.float32)
    folds = (np.arange(300) % 3)[None]
    parity = np.sign(rows).prod(axis=1, keepdims=True).astype(np.float64)
    shallow = TreeParameters(50, 3, 0.02, 0.5, 0.05)
    found = tune(rows, parity, None, folds, start=shallow, trials=12, seed=0)
    assert found.column_share > 0.05
    assert found == tune(rows, parity, None, folds, start=shallow, trials=12, seed=0)
    assert found != tune(rows, parity, None, folds, start=shallow, trials=12, seed=1)


def test_one_trial_is_the_start_with_the_trees_that_were_best(rng):
    rows = rng.normal(size=(90, 2)).astype(np.float32)
    scores = rows[:, :1] + 0.5 * rng.normal(size=(90, 1))
    folds = np.tile(np.arange(3), 30)[None]
    found = tune(rows, scores, None, folds, start=START, trials=1, seed=0)
    assert found.proposal == START.proposal
    assert 1 <= found.trees < 1000


@pytest.mark.parametrize("m", [1, 2])
def test_a_tuned_predictor_is_saved_with_what_was_found(
    m, toy_cells, toy_values, many_values, tmp_path
):
    Y = toy_values if m == 1 else many_values[:, :2]
    model = make_predictor("xgboost", tune=4, members=1, trees=30, calibration_folds=0)
    model.fit(toy_cells, Y)
    model.save(tmp_path / "model")
    loaded = load_folder(tmp_path / "model")
    assert loaded.params_ == model.params_
    cells = list(NASBench201())[::97]
    np.testing.assert_array_equal(loaded.predict(cells), model.predict(cells))
    again = make_predictor("xgboost", tune=4, members=1, trees=30, calibration_folds=0)
    assert again.fit(toy_cells, Y).params_ == model.params_


def test_too_few_cells_are_not_tuned_on(toy_cells, toy_values):
    model = make_predictor("xgboost", tune=3, members=1, trees=20, calibration_folds=0)
    assert model.fit(toy_cells[:5], toy_values[:5]).params_.trees == 20

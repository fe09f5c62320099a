"""Tuning of boosted trees: inside the training cells, repeatable, kept."""

from types import SimpleNamespace

import numpy as np
import pytest

from surrobust.encodings import twin_groups
from surrobust.metrics import kendall_tau
from surrobust.predictors import load_folder, make_predictor
from surrobust.predictors.trees import tuning
from surrobust.predictors.trees.tuning import TreeParameters, discordance, tune, tuning_folds
from surrobust.spaces import NASBench201

START = TreeParameters(trees=50, depth=4, learning_rate=0.1, subsample=0.8, column_share=0.5)


def test_twins_share_a_fold_and_few_cells_are_divided_more_than_once(space):
    cells = list(space)[:300:2]
    folds = tuning_folds(cells, seed=0)
    assert folds.shape == (1, 150)
    groups = twin_groups(cells)
    for group in np.unique(groups):
        assert len(set(folds[0, groups == group])) == 1
    assert tuning_folds(cells[:30], seed=0).shape == (6, 30)
    assert tuning_folds(cells[:9], seed=0).shape == (0, 9)
    assert tuning_folds([cells[0]] * 20, seed=0).shape == (0, 20)
    assert tuning_folds(cells[:90:10] * 20, seed=0).shape == (0, 180)  # nine, however often


def test_better_parameters_are_found_and_again_by_the_same_seed(rng):
    """A parity of three signs needs every column at every split."""
    rows = rng.normal(size=(120, 3)).astype(np.float32)
    folds = (np.arange(120) % 3)[None]
    parity = np.sign(rows).prod(axis=1, keepdims=True).astype(np.float64)
    shallow = TreeParameters(100, 3, 0.02, 0.5, 0.05)
    found = tune(rows, parity, None, folds, start=shallow, trials=8, seed=0)
    assert found != shallow
    assert found == tune(rows, parity, None, folds, start=shallow, trials=8, seed=0)
    assert found != tune(rows, parity, None, folds, start=shallow, trials=8, seed=1)


def test_a_gain_on_one_cell_is_one_gain_however_often_it_was_measured(monkeypatch):
    """Everything but ``start`` is better on the 30 rows of the first of eleven cells."""
    groups = np.array([0] * 30 + list(range(1, 11)))
    is_first = (groups == 0).astype(np.float64)[:, None]

    def train(parameters, _data, _seed):
        worse = float(parameters.proposal == START.proposal)
        return SimpleNamespace(predict=lambda test: np.full(test.num_row(), worse))

    monkeypatch.setattr(TreeParameters, "train", train)
    monkeypatch.setattr(tuning, "discordance", lambda true, predicted: (true * predicted)[:, 0])
    given = (np.zeros((40, 1), np.float32), is_first, None, (np.arange(40) % 3)[None])
    options = {"start": START, "trials": 4, "seed": 0}
    assert tune(*given, **options) != START
    assert tune(*given, **options, groups=groups) == START


def test_discordance_by_hand_and_as_kendalls_tau(rng):
    true = np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]])
    predicted = np.array([[1.0, 2.0], [3.0, 1.0], [2.0, 0.0]])
    np.testing.assert_allclose(discordance(true, predicted), [0.0, 0.25, 0.25])
    np.testing.assert_allclose(discordance(true[:, :1], np.ones((3, 1))), 0.5)
    a, b = rng.normal(size=(2, 40, 1))
    assert discordance(a, b).mean() == pytest.approx((1 - kendall_tau(a[:, 0], b[:, 0])) / 2)


@pytest.mark.parametrize(("errors", "kept"), [(1.9, True), (2.1, False)])
def test_what_it_begins_with_is_kept_unless_clearly_beaten(rng, monkeypatch, errors, kept):
    rows = rng.normal(size=(90, 2)).astype(np.float32)
    noise = rng.normal(size=(90, 1))
    folds = np.tile(np.arange(3), 30)[None]
    assert tune(rows, noise, None, folds, start=START, trials=1, seed=0) == START
    # The second parameters are better by so many standard errors, whatever they predict.
    gain = rng.normal(size=90)
    gain = (gain - gain.mean()) / gain.std() + errors / 90**0.5
    losses = iter([*np.ones((3, 30)), *(1 - gain[folds[0] == fold] for fold in range(3))])
    monkeypatch.setattr(tuning, "discordance", lambda *_: next(losses))
    assert (tune(rows, noise, None, folds, start=START, trials=2, seed=0) == START) == kept


def test_a_tuned_predictor_is_saved_with_what_was_found(toy_cells, many_values, tmp_path):
    model = make_predictor("xgboost", tune=2, members=1, trees=30, calibration_folds=0)
    model.fit(toy_cells[:40], many_values[:40, :2])
    model.save(tmp_path / "model")
    loaded = load_folder(tmp_path / "model")
    assert loaded.fitted_.params == model.fitted_.params
    cells = list(NASBench201())[::97]
    np.testing.assert_array_equal(loaded.predict(cells), model.predict(cells))


def test_too_few_cells_are_not_tuned_on(toy_cells, toy_values):
    model = make_predictor("xgboost", tune=3, members=1, trees=20, calibration_folds=0)
    assert model.fit(toy_cells[:5], toy_values[:5]).fitted_.params.trees == 20

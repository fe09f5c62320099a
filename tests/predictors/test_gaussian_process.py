"""The Gaussian process as a predictor."""

import numpy as np
import pytest

from surrobust.encodings.joined import Features
from surrobust.predictors import make_predictor
from surrobust.spaces import NASBench201

ENCODER = Features("features")


def test_a_prediction_is_the_posteriors_score_taken_back(toy_cells):
    a, b, new = toy_cells[:3]
    model = make_predictor("gp", transform="standard", calibration_folds=0).fit([a, b], [0.2, 0.4])
    mean, variance = model._posterior([new])
    # Standardised, the two values are -1 and 1 of mean 0.3 and spread 0.1; between the training
    # values the map back is the line it began as.
    assert model.predict([new])[0] == pytest.approx(0.3 + 0.1 * mean[0, 0])
    expected = model.fitted_.map.moments(mean, np.sqrt(variance))[1]
    assert model.predict_std([new])[0] == pytest.approx(expected[0, 0])


def test_repeated_cells_count_as_their_mean_with_less_noise(toy_cells, toy_values):
    twice = make_predictor("gp", transform="standard", calibration_folds=0)
    twice.fit([*toy_cells, *toy_cells], [*toy_values, *toy_values])
    assert len(twice.fitted_.rows) == len({ENCODER.key(cell) for cell in toy_cells})
    once = make_predictor("gp", transform="standard", calibration_folds=0)
    once.fit(toy_cells, toy_values)
    assert twice.predict_std(toy_cells).mean() < once.predict_std(toy_cells).mean()


def test_the_standard_deviation_of_few_rows_is_an_upper_bound(toy_cells, toy_values):
    options = {"transform": "standard", "calibration_folds": 0}
    full = make_predictor("gp", **options).fit(toy_cells, toy_values)
    few = make_predictor("gp", rows_for_std=10, **options).fit(toy_cells, toy_values)
    cells = [NASBench201()[i] for i in range(0, 15625, 211)]
    np.testing.assert_array_equal(few.predict(cells), full.predict(cells))
    np.testing.assert_array_less(full.predict_std(cells), few.predict_std(cells) + 1e-6)


def test_intervals_of_a_cell_trained_on_keep_the_noise(toy_cells, toy_values):
    model = make_predictor("gp", calibration_folds=0).fit(toy_cells, toy_values)
    _, std, measured = model._predict(toy_cells)
    # By hand: at a cell of its own the scores' variance is that of the function and the noise.
    scores, latent = model._posterior(toy_cells)
    noise = model.fitted_.posterior.measured_noise
    by_hand = model.fitted_.map.moments(scores, np.sqrt(latent + noise))[1]
    np.testing.assert_allclose(measured, by_hand, rtol=1e-12)
    assert (measured > std).all()


def test_folds_of_many_rows_share_what_was_found_and_of_few_they_do_not(toy_cells, toy_values):
    for most, is_shared in ((20, True), (500, False)):
        model = make_predictor("gp", rows_for_kernel=most, calibration_folds=0)
        model.fit(toy_cells, toy_values)
        part = model._for_fold().fit(toy_cells[:40], toy_values[:40])
        own, whole = part.fitted_.posterior.found, model.fitted_.posterior.found
        assert (own.noise == whole.noise) is is_shared
        assert np.array_equal(own.weights, whole.weights) is is_shared

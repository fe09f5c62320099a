"""Acquisition functions against values computed by hand."""

import math

import numpy as np
import pytest

from surrobust.searches.acquisition import (
    ACQUISITIONS,
    confidence_cycle,
    expected_improvement,
    measured_improvement,
    thompson,
    upper_confidence_bound,
)


def test_expected_improvement_of_a_candidate_at_the_best_is_the_density_at_zero():
    score = expected_improvement(np.array([0.5]), np.array([0.2]), best=0.5)
    assert math.exp(score[0]) == pytest.approx(0.2 / math.sqrt(2 * math.pi))


def test_expected_improvement_by_hand():
    # One standard deviation above the best: sigma * (1 * cdf(1) + pdf(1)).
    score = expected_improvement(np.array([0.7]), np.array([0.1]), best=0.6)
    assert math.exp(score[0]) == pytest.approx(0.1 * (0.8413447460685429 + 0.24197072451914337))


def test_expected_improvement_equals_the_mean_of_simulated_improvements():
    draws = np.random.default_rng(0).normal(0.3, 0.4, size=2_000_000)
    score = expected_improvement(np.array([0.3]), np.array([0.4]), best=0.9)
    assert math.exp(score[0]) == pytest.approx(np.maximum(draws - 0.9, 0).mean(), rel=0.01)


def test_expected_improvement_keeps_the_order_where_it_underflows():
    mean = np.array([-50.0, -40.0, -30.0, -20.1, -19.9, -5.0, 0.0, 3.0])
    score = expected_improvement(mean, np.ones(8), best=0.0)
    assert np.isfinite(score).all()
    assert (np.diff(score) > 0).all()


def test_expected_improvement_without_uncertainty_is_the_improvement():
    score = expected_improvement(np.array([0.8, 0.5]), np.zeros(2), best=0.6)
    assert math.exp(score[0]) == pytest.approx(0.2)
    assert math.exp(score[1]) == 0.0


def test_measured_improvement_counts_the_noise_of_the_next_measurement():
    draws = np.random.default_rng(0).normal(0.3, 0.3, 1_000_000)
    draws += np.random.default_rng(1).normal(0.0, 0.4, 1_000_000)
    score = measured_improvement(np.array([0.3]), np.array([0.3]), best=0.9, noise=0.4)
    assert math.exp(score[0]) == pytest.approx(np.maximum(draws - 0.9, 0).mean(), rel=0.01)
    # Noise that all have alike draws it to the better mean.
    mean, std = np.array([0.5, 0.4]), np.array([0.1, 0.25])
    for noise, better in ((0.0, 1), (0.5, 0)):
        score = measured_improvement(mean, std, best=0.6, noise=noise)
        assert int(np.argmax(score)) == better


def test_upper_confidence_bound_by_hand():
    score = upper_confidence_bound(np.array([0.5, 0.4]), np.array([0.0, 0.1]), kappa=2.0)
    np.testing.assert_allclose(score, [0.5, 0.6])


def test_the_confidence_cycle_weighs_uncertainty_0_1_2_in_turn():
    scores = [confidence_cycle(np.array([1.0]), np.array([0.5]), trial=t)[0] for t in range(4)]
    assert scores == [1.0, 1.5, 2.0, 1.0]


def test_thompson_draws_from_the_prediction(rng):
    mean, std = np.full(20_000, 0.5), np.full(20_000, 0.2)
    draws = thompson(mean, std, rng=rng)
    assert draws.mean() == pytest.approx(0.5, abs=0.01)
    assert draws.std() == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize("name", sorted(ACQUISITIONS))
def test_of_equal_uncertainty_the_better_mean_scores_higher(name, rng):
    mean, std = np.array([0.1, 0.9]), np.full(2, 1e-6)
    low, high = ACQUISITIONS[name](mean, std, best=0.5, trial=1, rng=rng, noise=0.0)
    assert high > low

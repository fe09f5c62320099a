"""Weights of the ensemble, and the default's average, by hand."""

import numpy as np
import pytest

from surrobust.predictors.ensemble import _blend, _stack
from surrobust.predictors.score_map import ScoreMap
from surrobust.spaces import NASBench201

NEW = [NASBench201()[i] for i in range(0, 15625, 307)]


def test_the_better_member_gets_the_weight(rng):
    Y = rng.normal(size=(300, 2))
    good, bad = (Y + s * rng.normal(size=Y.shape) for s in (0.1, 3.0))
    weights = _stack(np.stack([good, bad]), Y)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    assert weights[0] > 0.9


def test_equal_members_share_the_weight(rng):
    Y = rng.normal(size=(300, 1))
    means = np.stack([Y + rng.normal(size=Y.shape) for _ in range(3)])
    np.testing.assert_allclose(_stack(means, Y), 1 / 3, atol=0.1)
    np.testing.assert_allclose(_stack(np.full((3, 4, 1), np.nan), Y[:4]), 1 / 3)
    np.testing.assert_allclose(_stack(np.stack([Y, Y, Y]), Y), 1 / 3, atol=1e-6)


def test_the_variance_of_a_mixture_by_hand():
    means, stds = np.array([[[0.0]], [[1.0]]]), np.array([[[1.0]], [[2.0]]])
    mean, std = _blend(means, stds, np.array([0.25, 0.75]))
    assert mean[0, 0] == 0.75
    assert std[0, 0] ** 2 == pytest.approx(0.25 * (1 + 0.75**2) + 0.75 * (4 + 0.25**2))


def test_the_default_averages_scores_three_to_one(fitted, toy_cells, toy_values):
    model = fitted("default", 1)
    process, trees = (member._predict(NEW)[0] for member in model._members)
    order = np.argsort([cell.index for cell in toy_cells])
    expected, _ = ScoreMap.fit(toy_values[order][:, None], transform="scores")
    blend = 0.75 * process + 0.25 * trees
    np.testing.assert_allclose(model.predict(NEW), expected.to_values(blend)[:, 0], rtol=1e-9)

"""The variance that anchors and nearest rows explain, against that of all rows."""

import numpy as np
import pytest

from surrobust.predictors import make_predictor
from surrobust.processes.kernel import PREDICTING, Covariance, Hyperparameters, Rows
from surrobust.processes.spread import Spread

FOUND = Hyperparameters(1.5, 0.1, np.array([0.7, 0.2]), np.array([0.4]))
covariance = Covariance(PREDICTING, FOUND, (slice(0, 2), slice(2, 3)))


@pytest.fixture
def rows(rng):
    return draw(rng, 12)


def draw(rng, n):
    return Rows(rng.normal(size=(n, 3)).astype(np.float32), (rng.normal(size=(n, 2)),))


def spread_of(rows, anchors, noise, nearest):
    K = covariance(rows[anchors], rows[anchors]) + np.diag(noise[anchors])
    whiten = np.linalg.inv(np.linalg.cholesky(K)).astype(np.float32)
    return Spread(nearest, np.asarray(anchors), whiten, noise)


def exact(rows, noise, new):
    """Rasmussen & Williams, equation 2.26."""
    K = covariance(rows, rows) + np.diag(noise)
    cross = covariance(new, rows)
    return (cross @ np.linalg.inv(K) * cross).sum(axis=1)


def found(spread, rows, new):
    sight = spread.see(covariance(new, rows))
    return spread.explained(sight, rows, covariance)


def test_anchors_and_all_others_explain_what_all_rows_do(rows, rng):
    noise, new = rng.uniform(0.05, 0.3, size=12), draw(rng, 5)
    spread = spread_of(rows, [1, 4, 5, 9], noise, 8)
    np.testing.assert_allclose(found(spread, rows, new), exact(rows, noise, new), rtol=1e-4)


def test_one_nearest_row_by_hand(rows, rng):
    noise = rng.uniform(0.05, 0.3, size=12)
    new = Rows(rows.Z[[7]] + np.float32(0.01), (rows.trends[0][[7]],))
    chosen = [1, 4, 5, 9]
    near = spread_of(rows, chosen, noise, 1)
    by_hand = exact(rows[[*chosen, 7]], noise[[*chosen, 7]], new)
    np.testing.assert_allclose(found(near, rows, new), by_hand, rtol=1e-4)
    without = found(spread_of(rows, chosen, noise, 0), rows, new)
    np.testing.assert_allclose(without, exact(rows[chosen], noise[chosen], new), rtol=1e-4)
    assert without < 0.95 * by_hand


def test_a_twin_outside_of_the_anchors_makes_a_process_sure(toy_cells, toy_values):
    options = {"transform": "standard", "calibration_folds": 0, "rows_for_std": 10}
    model = make_predictor("gp", **options).fit(toy_cells, toy_values)
    every = make_predictor("gp", **{**options, "rows_for_std": 500}).fit(toy_cells, toy_values)
    np.testing.assert_array_equal(model.predict(toy_cells), every.predict(toy_cells))
    ratio = model.predict_std(toy_cells) / every.predict_std(toy_cells)
    assert ratio.min() > 0.999
    assert ratio.max() < 1.25

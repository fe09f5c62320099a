"""Forest and boosted trees against the libraries that grew them."""

import numpy as np
import pytest

from surrobust.encodings.joined import Features
from surrobust.predictors import make_predictor
from surrobust.processes.scores import ScoreMap
from surrobust.spaces import NASBench201

ENCODER = Features("features")
NEW = [NASBench201()[i] for i in range(0, 15625, 101)]


@pytest.mark.parametrize("m", [1, 3])
def test_the_forest_predicts_as_scikit_learn_does(m, toy_cells, toy_values, many_values):
    from sklearn.ensemble import RandomForestRegressor

    Y = toy_values if m == 1 else many_values
    model = make_predictor("random_forest", trees=15, seed=4, calibration_folds=0)
    model.fit(toy_cells, Y)
    order = np.argsort([cell.index for cell in toy_cells])
    X = ENCODER.encode([toy_cells[i] for i in order])
    Y = Y.reshape(60, -1)[order]
    scale, units = ScoreMap.fit(Y, transform="standard")
    oracle = RandomForestRegressor(15, max_features=0.33, random_state=4)
    oracle.fit(X, units[:, 0] if m == 1 else units)
    rows = ENCODER.encode(NEW)
    expected = Y.mean(axis=0) + scale.spread * oracle.predict(rows).reshape(len(NEW), -1)
    np.testing.assert_allclose(model.predict(NEW).reshape(len(NEW), -1), expected, rtol=1e-5)
    each = np.stack([tree.predict(rows).reshape(len(NEW), -1) for tree in oracle.estimators_])
    std = each.std(axis=0) * scale.spread
    np.testing.assert_allclose(
        model.predict_std(NEW).reshape(len(NEW), -1), std, rtol=1e-3, atol=1e-6
    )


@pytest.mark.parametrize("m", [1, 2])
def test_boosted_trees_predict_as_xgboost_does(m, toy_cells, toy_values, many_values):
    import xgboost

    Y = (toy_values if m == 1 else many_values[:, :2]).reshape(60, -1)
    model = make_predictor(
        "xgboost",
        transform="standard",
        members=1,
        trees=25,
        subsample=1.0,
        column_share=1.0,
        learning_rate=0.05,
        calibration_folds=0,
    )
    model.fit(toy_cells, Y)
    oracle = xgboost.XGBRegressor(
        n_estimators=25,
        max_depth=4,
        learning_rate=0.05,
        base_score=0.0,
        tree_method="hist",
        multi_strategy="multi_output_tree",
        n_jobs=1,
    )
    order = np.argsort([cell.index for cell in toy_cells])
    units = (Y - Y.mean(axis=0)) / Y.std(axis=0)
    oracle.fit(ENCODER.encode([toy_cells[i] for i in order]), units[order])
    expected = oracle.predict(ENCODER.encode(NEW)).reshape(len(NEW), -1)
    predicted = (model.predict(NEW) - Y.mean(axis=0)) / Y.std(axis=0)
    np.testing.assert_allclose(predicted, expected, atol=1e-5)


def test_scores_keep_the_order_and_lead_back(rng):
    Y = np.stack([rng.normal(size=200) ** 3, rng.integers(0, 5, size=200)], axis=1)
    for transform in ("scores", "standard"):
        found, Z = ScoreMap.fit(Y, transform=transform)
        for j in range(2):
            for a, b in zip(Y[:, j], Z[:, j], strict=True):
                assert ((Y[:, j] > a) == (Z[:, j] > b)).all()
        np.testing.assert_allclose(found.to_values(Z), Y, atol=1e-9)
        np.testing.assert_allclose(Z.mean(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(Z.std(axis=0), 1)
        np.testing.assert_allclose(
            found.to_values(Z.max(axis=0)[None] + 2) - Y.max(axis=0), 2 * Y.std(axis=0)[None]
        )


def test_scores_by_hand():
    # Ranks 1..3: normal scores of 1/6, 1/2, 5/6 are -0.967, 0, 0.967.
    found, Z = ScoreMap.fit(np.array([[0.0], [0.1], [0.5]]), transform="scores")
    y = np.array([0.0, 0.1, 0.5])
    raw = (y - y.mean()) / y.std() + np.array([-0.9674216, 0, 0.9674216])
    np.testing.assert_allclose(Z[:, 0], (raw - raw.mean()) / raw.std(), rtol=1e-6)
    assert found.to_values(np.array([[Z[:2, 0].mean()]]))[0, 0] == pytest.approx(0.05)


def test_a_map_that_only_scales_is_two_points(rng):
    Y = np.stack([rng.normal(3, 2, size=900), np.full(900, 0.1)], axis=1)
    scale, Z = ScoreMap.fit(Y, transform="standard")
    assert scale.scores.shape == scale.values.shape == (2, 2)
    np.testing.assert_allclose(scale.to_values(Z), Y, rtol=1e-13, atol=1e-14)
    mean, std = scale.moments(np.array([[0.5, 0.0]]), np.array([[0.25, 0.0]]))
    np.testing.assert_allclose(mean[0], [Y[:, 0].mean() + 0.5 * Y[:, 0].std(), 0.1], rtol=1e-13)
    np.testing.assert_allclose(std[0], [0.25 * Y[:, 0].std(), 0.0], rtol=1e-12)

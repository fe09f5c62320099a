"""The process of guided searches against the textbook's formulas."""

import numpy as np
import pytest
from scipy.optimize import check_grad

from surrobust.encodings.function_groups import encode_function_groups
from surrobust.errors import NotFittedError
from surrobust.searches import process
from surrobust.searches.process import FunctionProcess


@pytest.fixture(scope="module")
def toy(space):
    cells = space.sample(50, seed=0)
    y = np.array([c.ops.count(3) - c.ops.count(0) for c in cells]) + 0.0
    y += np.random.default_rng(0).normal(0, 0.3, size=50)
    return cells, (y - y.mean()) / y.std()


def kernel(model, left, right):
    weights = np.exp(model.theta_[:-1])
    groups = zip(weights, encode_function_groups(left), encode_function_groups(right), strict=True)
    squared = sum(w * ((a[:, None] - b[None]) ** 2).sum(axis=2) for w, a, b in groups)
    return np.exp(-0.5 * squared)


def test_posterior_equals_the_textbook(space, toy):
    cells, y = toy
    model, test = FunctionProcess().fit(cells, y), space.sample(80, seed=1)
    inverse = np.linalg.inv(kernel(model, cells, cells) + np.exp(model.theta_[-1]) * np.eye(50))
    mean = inverse.sum(axis=0) @ y / inverse.sum()
    rest, cross = y - mean, kernel(model, cells, test)
    amplitude = rest @ inverse @ rest / 50
    np.testing.assert_allclose(model.predict(test), mean + rest @ inverse @ cross, atol=1e-9)
    variance = amplitude * (1 - np.einsum("ij,ij->j", cross, inverse @ cross))
    np.testing.assert_allclose(model.predict_std(test), np.sqrt(variance), atol=1e-6)


def test_the_gradient_is_that_of_the_loss(toy):
    cells, y = toy
    groups = encode_function_groups(cells)
    distances = np.stack([process._squared_distances(g, g) for g in groups])
    theta = np.array([0.3, -1.0, 0.5, -2.0])
    error = check_grad(
        lambda t: process._loss(t, distances, y)[0],
        lambda t: process._loss(t, distances, y)[1],
        theta,
    )
    assert error < 1e-4


def test_it_predicts_held_out_cells_and_doubts_what_is_far(space, toy):
    cells, y = toy
    model, test = FunctionProcess().fit(cells, y), space.sample(200, seed=1)
    true = np.array([c.ops.count(3) - c.ops.count(0) for c in test])
    assert np.corrcoef(model.predict(test), true)[0, 1] > 0.5
    assert model.predict_std(cells).mean() < model.predict_std(test).mean()


def test_constant_values_are_predicted_as_they_are(space, toy):
    model = FunctionProcess().fit(toy[0], np.full(50, 0.25))
    np.testing.assert_allclose(model.predict(space.sample(5, seed=2)), 0.25)
    np.testing.assert_allclose(model.predict_std(space.sample(5, seed=2)), 0.0, atol=1e-12)


def test_a_remembered_tuple_is_predicted_anew_after_a_refit(space, toy):
    cells, y = toy
    test = tuple(space.sample(20, seed=3))
    model = FunctionProcess().fit(cells, y)
    first = model.predict(test)
    second = model.fit(cells, -y).predict(test)
    np.testing.assert_allclose(
        second, FunctionProcess().fit(cells, -y).predict(list(test)), atol=0.05
    )
    assert not np.allclose(first, second)


def test_prediction_needs_a_fit(space):
    with pytest.raises(NotFittedError, match="expected fit before predict"):
        FunctionProcess().predict(space.sample(2, seed=0))

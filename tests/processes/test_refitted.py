"""The process of guided searches against the textbook's formulas."""

import numpy as np
import pytest
from scipy.optimize import check_grad

from surrobust.errors import NotFittedError
from surrobust.processes import refitted as process
from surrobust.processes.groups import encode_function_groups
from surrobust.processes.refitted import FunctionProcess
from surrobust.spaces import Architecture


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
    assert model.noise_std_**2 == pytest.approx(amplitude * np.exp(model.theta_[-1]))


def test_the_gradient_is_that_of_the_loss(toy):
    cells, y = toy
    groups = encode_function_groups(cells)
    distances = np.stack([process._squared_distances(g, g) for g in groups])
    theta = np.array([0.3, -1.0, 0.5, -0.2, -1.5, 0.1, -2.0])
    error = check_grad(
        lambda t: process._loss(t, distances, (), y)[0],
        lambda t: process._loss(t, distances, (), y)[1],
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


def test_of_many_rows_the_best_the_latest_and_some_between_are_kept():
    assert process._rows_to_keep(np.arange(1000.0)).tolist() == list(range(1000))
    y = np.random.default_rng(0).normal(size=3000)
    kept = process._rows_to_keep(y)
    assert len(set(kept.tolist())) == 1000
    assert kept.tolist() == sorted(kept.tolist())
    assert set(range(2900, 3000)) <= set(kept.tolist())
    assert set(np.argsort(-y[:2900])[:500].tolist()) <= set(kept.tolist())
    between = kept[(kept < 2900) & (y[kept] < np.sort(y[:2900])[-500])]
    assert len(between) == 400
    assert np.diff(between).max() < 40  # a plain 2400 / 400 is 6, and the best lie between them


def test_hyper_parameters_of_many_rows_are_found_ever_more_rarely(
    toy_cells: list[Architecture], monkeypatch: pytest.MonkeyPatch
):
    found = []

    def maximise(start: np.ndarray, *others: object) -> tuple[np.ndarray, float]:
        found.append(len(others[-1]))
        return start, 0.0

    monkeypatch.setattr(process, "_maximise_posterior", maximise)
    model = process.FunctionProcess()
    cells = toy_cells * 4
    for n in (50, 51, 128, 129, 134, 135, 136, 142, 60):
        model.fit(cells[:n], np.arange(float(n)))
    assert found == [50, 51, 128, 135, 142, 60]


def rows_of(architectures):
    """Two trends: how many 3x3 convolutions; how many skips and zeros."""
    counts = np.array([[c.ops.count(op) for op in (3, 1, 0)] for c in architectures], dtype=float)
    return counts[:, :1] - 1.2, counts[:, 1:] / 2


def test_trends_are_a_linear_model_beside_the_process(space, toy):
    cells, y = toy
    model, test = FunctionProcess(rows_of).fit(cells, y), space.sample(80, seed=1)
    weights, (noise, *slopes) = model.theta_[:6], np.exp(model.theta_[6:])

    def both(left, right):
        groups = zip(
            weights, *(encode_function_groups(side) for side in (left, right)), strict=True
        )
        squared = sum(np.exp(w) * ((a[:, None] - b[None]) ** 2).sum(axis=2) for w, a, b in groups)
        trends = zip(slopes, rows_of(left), rows_of(right), strict=True)
        return np.exp(-0.5 * squared) + sum(s * a @ b.T for s, a, b in trends)

    inverse = np.linalg.inv(both(cells, cells) + noise * np.eye(50))
    mean = inverse.sum(axis=0) @ y / inverse.sum()
    cross = both(cells, test)
    np.testing.assert_allclose(model.predict(test), mean + (y - mean) @ inverse @ cross, atol=1e-7)
    explained = np.einsum("ij,ij->j", cross, inverse @ cross)
    amplitude = (y - mean) @ inverse @ (y - mean) / 50
    variance = amplitude * (np.diag(both(test, test)) - explained)
    np.testing.assert_allclose(model.predict_std(test), np.sqrt(variance), atol=1e-6)


def test_the_gradient_by_slopes_is_that_of_the_loss(toy):
    cells, y = toy
    distances = np.stack([process._squared_distances(g, g) for g in encode_function_groups(cells)])
    products = [rows @ rows.T for rows in rows_of(cells)]
    theta = np.array([0.3, -1.0, 0.5, -0.2, -1.5, 0.1, -2.0, 0.2, -0.7])
    error = check_grad(
        lambda t: process._loss(t, distances, products, y)[0],
        lambda t: process._loss(t, distances, products, y)[1],
        theta,
    )
    assert error < 1e-4

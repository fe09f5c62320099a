"""The process of guided searches against the textbook's formulas."""

import numpy as np
import pytest

from surrobust.errors import NotFittedError
from surrobust.processes import refitted as process
from surrobust.processes.groups import function_groups
from surrobust.processes.likelihood import Likelihood
from surrobust.processes.refitted import FunctionProcess
from surrobust.spaces import Architecture


@pytest.fixture(scope="module")
def toy(space):
    cells = space.sample(50, seed=0)
    y = np.array([c.ops.count(3) - c.ops.count(0) for c in cells]) + 0.0
    y += np.random.default_rng(0).normal(0, 0.3, size=50)
    return cells, (y - y.mean()) / y.std()


def kernel(model, left, right):
    a, b = (function_groups().encode(cells) for cells in (left, right))
    weights = np.exp(model._views[0].theta[:6])
    squared = sum(
        w * ((a[:, None, s] - b[None, :, s]) ** 2).sum(axis=2)
        for w, s in zip(weights, function_groups().slices, strict=True)
    )
    return np.exp(-0.5 * squared)


def test_posterior_equals_the_textbook(space, toy):
    cells, y = toy
    model, test = FunctionProcess().fit(cells, y), space.sample(80, seed=1)
    inverse = np.linalg.inv(
        kernel(model, cells, cells) + np.exp(model._views[0].theta[-1]) * np.eye(50)
    )
    mean = inverse.sum(axis=0) @ y / inverse.sum()
    rest, cross = y - mean, kernel(model, cells, test)
    amplitude = rest @ inverse @ rest / 50
    np.testing.assert_allclose(model.predict(test), mean + rest @ inverse @ cross, atol=1e-9)
    variance = amplitude * (1 - np.einsum("ij,ij->j", cross, inverse @ cross))
    np.testing.assert_allclose(model.predict_std(test), np.sqrt(variance), atol=1e-6)
    assert model.noise_std_**2 == pytest.approx(amplitude * np.exp(model._views[0].theta[-1]))


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

    def maximise(self: Likelihood, start: np.ndarray | None) -> tuple[np.ndarray, float]:
        found.append(len(self.Y))
        return self.prior_mean if start is None else start, 0.0

    monkeypatch.setattr(Likelihood, "maximise", maximise)
    model = FunctionProcess()
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
    model, test = FunctionProcess(rows_of), space.sample(80, seed=1)
    # All odds for the process with trends, so that nothing is averaged.
    model._odds = np.array([[1.0], [0.0]])
    model.fit(cells, y)
    assert model.trust_ == 1.0
    noise, *slopes = np.exp(model._views[0].theta[6:])

    def both(left, right):
        trends = zip(slopes, rows_of(left), rows_of(right), strict=True)
        return kernel(model, left, right) + sum(s * a @ b.T for s, a, b in trends)

    inverse = np.linalg.inv(both(cells, cells) + noise * np.eye(50))
    mean = inverse.sum(axis=0) @ y / inverse.sum()
    cross = both(cells, test)
    np.testing.assert_allclose(model.predict(test), mean + (y - mean) @ inverse @ cross, atol=1e-7)
    explained = np.einsum("ij,ij->j", cross, inverse @ cross)
    amplitude = (y - mean) @ inverse @ (y - mean) / 50
    variance = amplitude * (np.diag(both(test, test)) - explained)
    np.testing.assert_allclose(model.predict_std(test), np.sqrt(variance), atol=1e-6)


def threes(architectures):
    return (np.array([[float(c.ops.count(3))] for c in architectures]),)


def noise_of(architectures):
    return (np.array([[np.random.default_rng(c.index).normal()] for c in architectures]),)


def test_a_prior_that_is_right_is_believed_and_one_that_is_wrong_is_not(space):
    test = space.sample(200, seed=4)
    assert FunctionProcess(threes, odds=0.1).trust_ == pytest.approx(1 / 11)
    assert FunctionProcess().trust_ == 0.0
    for seed in range(12):
        cells = space.sample(25, seed=10 + seed)
        y = threes(cells)[0][:, 0]
        y = (y - y.mean()) / y.std()
        right = FunctionProcess(threes).fit(cells, y)
        wrong = FunctionProcess(noise_of).fit(cells, y)
        # The trend is exact, so that nothing but the ridge of the process is between 0 and 1.
        assert right.trust_ > 0.99
        doubted = FunctionProcess(noise_of, odds=0.1).fit(cells, y).trust_
        odds = wrong.trust_ / (1 - wrong.trust_)
        assert doubted / (1 - doubted) == pytest.approx(0.1 * odds)
        true, plain = threes(test)[0][:, 0], FunctionProcess().fit(cells, y)
        assert np.corrcoef(right.predict(test), true)[0, 1] > 0.99
        assert np.corrcoef(wrong.predict(test), plain.predict(test))[0, 1] > 0.9

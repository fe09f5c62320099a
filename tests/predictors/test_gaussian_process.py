"""The Gaussian process against a posterior worked out by hand."""

import numpy as np
import pytest
from scipy.optimize import check_grad

from surrobust.encodings.joined import Features
from surrobust.predictors import make_predictor
from surrobust.processes.groups import KernelGroups
from surrobust.processes.kernel import Hyperparameters, MarginalLikelihood, covariance
from surrobust.spaces import NASBench201

ENCODER = Features("features")


def test_the_posterior_of_two_cells_by_hand(toy_cells):
    a, b, new = toy_cells[:3]
    model = make_predictor("gp", transform="standard", calibration_folds=0).fit([a, b], [0.2, 0.4])
    found, slices = model.kernel_, model.groups_.slices
    Z = model.groups_.transform(ENCODER.encode([a, b, new])).astype(float)

    def k(p, q):
        squared = sum(
            w * ((p[s] - q[s]) ** 2).sum() for w, s in zip(found.weights, slices, strict=True)
        )
        r = np.sqrt(3 * squared)
        return found.amplitude * (1 + r) * np.exp(-r) + 1

    # Standardised, the two values are -1 and 1 of mean 0.3 and spread 0.1; sorted by index, a and
    # b may have changed places, which the posterior does not mind.
    noise = found.noise + 1e-6
    p, q, c = k(Z[0], Z[0]) + noise, k(Z[1], Z[1]) + noise, k(Z[0], Z[1])
    inverse = np.array([[q, -c], [-c, p]]) / (p * q - c * c)
    cross = np.array([k(Z[2], Z[0]), k(Z[2], Z[1])])
    mean = cross @ inverse @ [-1, 1]
    std = np.sqrt(k(Z[2], Z[2]) - cross @ inverse @ cross)
    # Between the training values the map back is the line it began as.
    assert model.predict([new])[0] == pytest.approx(0.3 + 0.1 * mean, rel=1e-3)
    (_, expected) = model.map_.moments(np.array([[mean]]), np.array([[std]]))
    assert model.predict_std([new])[0] == pytest.approx(expected[0, 0], rel=1e-3)


def test_the_kernel_is_positive_definite_and_its_own_at_distance_zero(toy_cells):
    groups = KernelGroups.of("features")
    Z = groups.transform(ENCODER.encode(toy_cells))
    found = Hyperparameters(np.full(5, 0.1), 2.0, 0.05)
    K = covariance(Z, Z, groups.slices, found)
    np.testing.assert_allclose(np.diag(K), 3.0, rtol=1e-3)
    np.testing.assert_allclose(K, K.T, rtol=1e-12)
    assert np.linalg.eigvalsh(K).min() > -1e-8


def test_the_gradient_is_that_of_finite_differences(toy_cells, many_values):
    groups = KernelGroups.of("features")
    Z = groups.transform(ENCODER.encode(toy_cells))
    Y = (many_values - many_values.mean(axis=0))[:, :2] / many_values.std(axis=0)[:2]
    repeats = np.random.default_rng(0).integers(1, 3, size=len(Y)).astype(float)
    likelihood = MarginalLikelihood(Z, Y, repeats, groups.names, groups.slices)
    theta = likelihood.prior_mean + np.linspace(-0.5, 0.5, 7)
    error = check_grad(lambda t: likelihood(t)[0], lambda t: likelihood(t)[1], theta)
    assert error < 1e-3 * np.linalg.norm(likelihood(theta)[1])


def test_groups_are_scaled_to_distances_of_order_one(space):
    groups = KernelGroups.of("features+one_hot")
    assert groups.names == ("count", "stat", "feed", "field", "flow", "one_hot")
    Z = groups.transform(Features("features+one_hot").encode(space.representatives())).astype(float)
    for part in groups.slices:
        assert Z[:, part].mean() == pytest.approx(0, abs=1e-6)
        assert 2 * (Z[:, part] ** 2).sum(axis=1).mean() == pytest.approx(1, rel=1e-4)


def test_repeated_cells_count_as_their_mean_with_less_noise(toy_cells, toy_values):
    twice = make_predictor("gp", transform="standard", calibration_folds=0)
    twice.fit([*toy_cells, *toy_cells], [*toy_values, *toy_values])
    assert len(twice.Z_) == len({ENCODER.key(cell) for cell in toy_cells})
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


def test_each_target_gets_its_own_noise(space):
    cells = space.sample(150, seed=0)
    rng = np.random.default_rng(0)
    smooth = np.array([cell.ops.count(3) for cell in cells], dtype=float)
    Y = np.stack([smooth, rng.normal(size=len(cells))], axis=1)
    model = make_predictor("gp", transform="standard", calibration_folds=0).fit(cells, Y)
    assert model.noise_[0] < model.noise_[1] / 4


def test_intervals_of_a_cell_trained_on_keep_the_noise(toy_cells, toy_values):
    model = make_predictor("gp", calibration_folds=0).fit(toy_cells, toy_values)
    mean, std = model._predict(toy_cells)
    measured_mean, measured = model._predict_measured(toy_cells)
    np.testing.assert_array_equal(mean, measured_mean)
    # By hand: at a cell of its own the scores' variance is that of the function and the noise.
    scores, latent = model._posterior(model._rows(toy_cells))
    by_hand = model.map_.moments(scores, np.sqrt(latent[:, None] ** 2 + model.measured_noise_))[1]
    np.testing.assert_allclose(measured, by_hand, rtol=1e-12)
    assert (measured > std).all()


def test_the_noise_of_each_target_is_refined_between_powers_of_two(toy_cells, toy_values):
    y = np.column_stack([toy_values, toy_values + np.random.default_rng(0).normal(0, 0.02, 60)])
    model = make_predictor("gp", calibration_folds=0).fit(toy_cells, y)
    ratio = model.measured_noise_ / model.noise_
    assert (np.abs(np.log2(ratio)) <= 0.5).all()
    assert (ratio != 1).all()
    assert model.measured_noise_[1] > model.measured_noise_[0]

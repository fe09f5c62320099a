"""The process against a posterior worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from surrobust.encodings.joined import Features
from surrobust.processes.groups import KernelGroups
from surrobust.processes.kernel import PREDICTING, Belief, Covariance, Hyperparameters, Rows
from surrobust.processes.process import Process


@pytest.fixture(scope="module")
def groups():
    return KernelGroups(Features("features"))


def test_the_posterior_of_two_cells_by_hand(groups, toy_cells):
    kernel = replace(PREDICTING, slopes=(Belief(0.3),))
    Z, q = groups.encode(toy_cells[:3]), np.array([[0.5], [-1.0], [2.0]])
    known, new = Rows(Z[:2], (q[:2],)), Rows(Z[2:], (q[2:],))
    y, repeats = np.array([[1.0], [-1.0]]), np.array([1.0, 2.0])
    process = Process(kernel, groups)
    posterior, _ = process.fit(known, y, repeats, np.random.default_rng(0))
    found = posterior.found

    def k(i, j):
        squared = sum(
            w * ((Z[i][s] - Z[j][s]) ** 2).sum()
            for w, s in zip(found.weights, groups.slices, strict=True)
        )
        r = np.sqrt(3 * squared)
        trend = found.slopes[0] * q[i, 0] * q[j, 0]
        return found.amplitude * (1 + r) * np.exp(-r) + 1 + trend

    a, b, c = k(0, 0) + found.noise + 1e-6, k(1, 1) + found.noise / 2 + 1e-6, k(0, 1)
    inverse = np.array([[b, -c], [-c, a]]) / (a * b - c * c)
    cross = np.array([k(2, 0), k(2, 1)])
    mean, variance = process.moments(posterior, known, new)
    assert mean[0, 0] == pytest.approx(cross @ inverse @ [1, -1], rel=1e-4)
    assert variance[0, 0] == pytest.approx(k(2, 2) - cross @ inverse @ cross, rel=1e-4)


def test_the_kernel_is_positive_definite_and_its_own_at_distance_zero(groups, toy_cells):
    rows = Rows(groups.encode(toy_cells))
    found = Hyperparameters(2.0, 0.05, np.full(5, 0.1), np.empty(0))
    covariance = Covariance(PREDICTING, found, groups.slices)
    K = covariance(rows, rows)
    np.testing.assert_allclose(np.diag(K), 3.0, rtol=1e-3)
    np.testing.assert_allclose(covariance.diagonal(rows), 3.0)
    np.testing.assert_allclose(K, K.T, rtol=1e-12)
    assert np.linalg.eigvalsh(K).min() > -1e-8
    at = np.array([[3, 5, 7], [0, 1, 2]])
    within = covariance.within(rows, at)
    for block, chosen in zip(within, at, strict=True):
        np.testing.assert_allclose(block, K[np.ix_(chosen, chosen)], rtol=1e-3)


def test_a_slope_of_nothing_is_no_trend(groups, toy_cells, toy_values):
    y, once = (toy_values - toy_values.mean())[:, None], np.ones(len(toy_values))
    rows = Rows(groups.encode(toy_cells))
    beside = Rows(rows.Z, (np.random.default_rng(0).normal(size=(len(y), 2)),))
    plain = Process(PREDICTING, groups)
    with_trend = Process(replace(PREDICTING, slopes=(Belief(1.0),)), groups)
    posterior, _ = plain.fit(rows, y, once, np.random.default_rng(0))
    found = replace(posterior.found, slopes=np.zeros(1))
    noises = posterior.noise, posterior.measured_noise
    other, _ = with_trend.condition(found, noises, beside, y, once, np.random.default_rng(0))
    for a, b in zip(
        plain.moments(posterior, rows, rows), with_trend.moments(other, beside, beside), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_targets_of_one_noise_share_it_and_others_have_their_own(groups, space):
    cells = space.sample(150, seed=0)
    rng = np.random.default_rng(0)
    smooth = np.array([cell.ops.count(3) for cell in cells], dtype=float)
    Y = np.stack([smooth, rng.normal(size=len(cells))], axis=1)
    Y = (Y - Y.mean(axis=0)) / Y.std(axis=0)
    rows = Rows(groups.encode(cells))
    posterior, evidence = Process(PREDICTING, groups).fit(rows, Y, np.ones(150), rng)
    assert posterior.noise[0] <= posterior.noise[1] / 4
    assert evidence[0] > evidence[1]
    ratio = posterior.measured_noise / posterior.noise
    assert (np.abs(np.log2(ratio)) <= 0.5).all()

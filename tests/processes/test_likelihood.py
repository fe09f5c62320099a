"""The evidence for hyper-parameters against the textbook's formula, and its gradient."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.stats import multivariate_normal

from surrobust.encodings.joined import Features
from surrobust.processes.groups import KernelGroups
from surrobust.processes.kernel import PREDICTING, SEARCHING, Belief, Covariance, Rows
from surrobust.processes.likelihood import Likelihood

WITH_TRENDS = (Belief(0.3), Belief(0.1))
KERNELS = {
    "predicting": PREDICTING,
    "predicting with trends": replace(PREDICTING, slopes=WITH_TRENDS),
    "searching": SEARCHING,
    "searching with trends": replace(SEARCHING, slopes=WITH_TRENDS),
}


@pytest.fixture(params=KERNELS)
def kernel(request):
    return KERNELS[request.param]


def make(kernel, cells, *, m, seed=0):
    rng = np.random.default_rng(seed)
    groups = KernelGroups(Features("features"))
    n = len(cells)
    trends = (rng.normal(size=(n, 1)), rng.normal(size=(n, 3)))[: len(kernel.slopes)]
    rows, repeats = Rows(groups.encode(cells), trends), rng.integers(1, 3, size=n).astype(float)
    Y = rng.normal(size=(n, m))
    return Likelihood(kernel, groups, rows, Y, repeats), rows, groups, Y, repeats


def test_the_evidence_is_the_textbooks(kernel, toy_cells):
    likelihood, rows, groups, Y, repeats = make(kernel, toy_cells[:20], m=2)
    theta = likelihood.prior_mean + 0.1
    found = kernel.read(theta)
    K = Covariance(kernel, found, groups.slices)(rows, rows)
    K += np.diag(found.noise / repeats + kernel.jitter)
    losses = []
    for y in Y.T:
        mean, scale = 0.0, 1.0
        if kernel.amplitude is None:
            inverse = np.linalg.inv(K)
            mean = inverse.sum(axis=0) @ y / inverse.sum()
            scale = (y - mean) @ inverse @ (y - mean) / len(y)
        losses.append(-multivariate_normal.logpdf(y, np.full(len(y), mean), scale * K))
    expected = np.mean(losses) - len(Y) / 2 * np.log(2 * np.pi)
    # Of the profiled one r' K^-1 r / 2 a = n / 2 is left out.
    expected -= len(Y) / 2 if kernel.amplitude is None else 0.0
    z = 0.1 / likelihood.prior_sd
    assert likelihood(theta)[0] == pytest.approx(expected + 0.5 * z @ z)


def test_the_gradient_is_that_of_finite_differences(kernel, toy_cells):
    likelihood = make(kernel, toy_cells[:20], m=2)[0]
    theta = likelihood.prior_mean + np.linspace(-0.5, 0.5, len(likelihood.prior_mean))
    error = check_grad(lambda t: likelihood(t)[0], lambda t: likelihood(t)[1], theta)
    assert error < 1e-4 * np.linalg.norm(likelihood(theta)[1])


def test_the_mode_is_better_than_where_it_began_and_inside_the_bounds(kernel, toy_cells):
    likelihood = make(kernel, toy_cells[:20], m=1)[0]
    theta, loss = likelihood.maximise()
    assert loss < likelihood(likelihood.prior_mean)[0]
    for value, belief in zip(theta, likelihood.beliefs, strict=True):
        low, high = belief.bounds
        assert low is None or low <= value
        assert high is None or value <= high


def test_without_rows_the_mode_is_the_priors(kernel):
    likelihood = make(kernel, [], m=2)[0]
    theta, _ = likelihood.maximise()
    found = kernel.read(theta)
    np.testing.assert_array_equal(theta, likelihood.prior_mean)
    np.testing.assert_allclose(likelihood.noise_by_target(found)[0], kernel.noise.median)

"""How a metric is learnt."""

import numpy as np
import pytest
from scipy.optimize import check_grad

from surrobust.processes import learning
from surrobust.processes.learning import Taught, learn_metric

GROUP = np.array([0, 0, 1, 1])
MEDIANS = np.full(4, 0.1)


def taught(rng, of, n=60):
    """Values that depend on some of four columns."""
    X = rng.normal(size=(n, 4))
    y = of(X)
    return Taught(X, (y - y.mean()) / y.std(), np.ones(n))


@pytest.mark.parametrize("n_directions", [0, 2])
def test_the_gradient_is_that_of_finite_differences(n_directions, rng):
    targets = [taught(rng, lambda X, k=k: np.sin(X[:, k]), 12) for k in (0, 2)]
    scale = np.array([0.5, 1.0, 1.5, 2.0])
    posterior = learning._Posterior(targets, np.log(MEDIANS), GROUP, scale, n_directions)
    theta = posterior.start() + 0.2 * rng.normal(size=len(posterior.start()))
    error = check_grad(lambda t: posterior(t)[0], lambda t: posterior(t)[1], theta)
    assert error < 1e-4 * np.linalg.norm(posterior(theta)[1])


def test_what_all_targets_depend_on_is_relevant_and_what_none_does_is_not(rng):
    targets = [taught(rng, lambda X, a=a: np.sin(2 * X[:, 0]) + a * X[:, 2]) for a in (0.2, -0.1)]
    found = learn_metric(targets, MEDIANS, GROUP)
    assert found.relevances[0] > 3 * MEDIANS[0]
    assert found.relevances[0] > 10 * found.relevances[1]
    assert found.directions.shape == (4, 8)


def test_a_direction_is_what_columns_say_together(rng):
    targets = [taught(rng, lambda X: np.sin(2 * (X[:, 0] - X[:, 1])), 150) for _ in range(2)]
    found = learn_metric(targets, MEDIANS, GROUP)
    turned = np.sqrt(found.relevances)[:, None] * found.directions
    length = turned @ turned.T
    # Together they say nothing, their difference much.
    assert length[0, 1] < -0.5 * np.sqrt(length[0, 0] * length[1, 1])

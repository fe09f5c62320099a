"""The expected hypervolume improvement against values by hand and against simulation."""

import numpy as np
import pytest

from surrobust.metrics import hypervolume
from surrobust.searches.acquisition import expected_hypervolume_improvement, expected_improvement

STAIRS = np.array([[3.0, 1.0], [2.0, 2.0], [1.0, 3.0]])


def improvement(mean, std, front, reference):
    return expected_hypervolume_improvement(
        np.array([mean]), np.array([std]), front=front, reference=np.asarray(reference)
    )[0]


def test_what_is_known_adds_what_it_adds():
    known = {(3.0, 3.0): 3.0, (2.5, 2.5): 1.25, (2.0, 2.0): 0.0, (4.0, 0.5): 0.5, (-1.0, 9.0): 0.0}
    for point, added in known.items():
        assert improvement(point, (0.0, 0.0), STAIRS, [0.0, 0.0]) == pytest.approx(added, abs=1e-9)


def test_an_empty_front_leaves_the_product_of_the_expected_excesses():
    # Both at the reference: sigma / sqrt(2 pi) each.
    value = improvement((1.0, 2.0), (0.5, 0.3), np.empty((0, 2)), [1.0, 2.0])
    assert value == pytest.approx(0.5 * 0.3 / (2 * np.pi))


def test_of_one_objective_it_is_the_expected_improvement():
    mean, std = np.array([0.1, 0.9, 0.5]), np.array([0.4, 0.1, 0.0])
    one = expected_hypervolume_improvement(
        mean[:, None], std[:, None], front=np.array([[0.3], [0.6]]), reference=np.array([0.0])
    )
    np.testing.assert_allclose(one, np.exp(expected_improvement(mean, std, best=0.6)), atol=1e-12)


@pytest.mark.parametrize("m", [2, 3, 4])
def test_it_is_the_mean_of_simulated_improvements(rng, m):
    front, reference = rng.random((6, m)), np.full(m, 0.1)
    mean, std = rng.random(m), rng.random(m) * 0.3
    before = hypervolume(front, reference)
    added = [
        hypervolume(np.vstack([front, mean + std * rng.standard_normal(m)]), reference) - before
        for _ in range(4000)
    ]
    error = 4 * np.std(added) / np.sqrt(4000)
    assert improvement(mean, std, front, reference) == pytest.approx(np.mean(added), abs=error)

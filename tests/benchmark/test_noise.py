"""The noise ceiling against truths that are known."""

import numpy as np
import pytest

from surrobust import metrics
from surrobust.benchmark.noise import noise_ceiling
from surrobust.errors import InvalidInputError


def _measured(
    rng: np.random.Generator, *, noise: float, n: int = 4000
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values of classes of 1 to 3 members: expected, measured with growing noise, class."""
    sizes = rng.choice([1, 2, 3], size=n, p=[0.8, 0.15, 0.05])
    classes = np.repeat(np.arange(n), sizes)[:n]
    levels = rng.beta(5, 2, size=n)[classes]
    measured = levels + rng.normal(size=n) * noise * (0.3 + levels)
    return levels, measured, classes


@pytest.mark.parametrize("noise", [0.005, 0.02, 0.06])
def test_finds_the_true_ceiling(rng: np.random.Generator, noise: float):
    levels, measured, classes = _measured(rng, noise=noise)
    ceiling = noise_ceiling(measured, classes.tolist(), n_bootstrap=20, seed=1)
    assert ceiling.value == pytest.approx(metrics.kendall_tau(measured, levels), abs=0.02)
    assert ceiling.lower <= ceiling.value <= ceiling.upper
    true_sd = noise * np.sqrt(np.mean((0.3 + levels) ** 2))
    assert ceiling.noise_sd == pytest.approx(true_sd, rel=0.1)


def test_no_noise_means_a_ceiling_of_one(rng: np.random.Generator):
    levels, _, classes = _measured(rng, noise=0.0)
    ceiling = noise_ceiling(levels, classes.tolist(), n_bootstrap=3)
    assert ceiling.value > 0.999


def test_any_score_and_any_seed(rng: np.random.Generator):
    levels, measured, classes = _measured(rng, noise=0.02)

    def head(true: np.ndarray, predicted: np.ndarray) -> float:
        return metrics.precision_at(true, predicted, k=100)

    first = noise_ceiling(measured, classes.tolist(), score=head, n_bootstrap=5, seed=3)
    again = noise_ceiling(measured, classes.tolist(), score=head, n_bootstrap=5, seed=3)
    assert first == again
    assert first.value == pytest.approx(head(measured, levels), abs=0.12)


def test_too_few_twins():
    with pytest.raises(InvalidInputError, match="at least 10 with several members, got 1"):
        noise_ceiling(np.arange(5.0), [0, 0, 1, 2, 3])

"""Randomised smoothing against the closed form of a linear network."""

import numpy as np
import pytest
import torch
from scipy.stats import norm
from torch import nn

from surrobust.certificates import ABSTAIN, SmoothedCertificate, certify_smoothed
from surrobust.errors import InvalidInputError, NotFiniteError

WEIGHT = torch.tensor([3.0, 0.0, 4.0]).reshape(1, 3, 1, 1)  # of length 5


def line(x: torch.Tensor) -> torch.Tensor:
    margin = (x * WEIGHT).flatten(1).sum(1) - 3.5
    return torch.stack([-margin, margin], dim=1)


def image(*pixels: float) -> torch.Tensor:
    return torch.tensor(pixels).reshape(1, 3, 1, 1)


def test_the_radius_of_a_linear_network_is_its_margin() -> None:
    # 3 * 0.9 + 4 * 0.7 - 3.5 = 2.0, so the boundary is 0.4 away.
    few, many = (
        certify_smoothed(line, image(0.9, 0.1, 0.7), sigma=0.3, n=n) for n in (200, 40_000)
    )
    assert few.classes.tolist() == many.classes.tolist() == [1]
    assert few.radii[0] < many.radii[0] < 0.4
    assert many.radii[0] == pytest.approx(0.4, rel=0.05)


def test_draws_that_agree_give_the_radius_by_hand() -> None:
    found = certify_smoothed(line, image(1.0, 0.0, 1.0), sigma=0.01, n=500, alpha=0.01)
    assert found.radii[0] == pytest.approx(0.01 * norm.ppf(0.01 ** (1 / 500)))


def test_it_abstains_at_the_boundary() -> None:
    on = image(0.5, 0.5, 0.5)  # 1.5 + 2 - 3.5 = 0
    found = certify_smoothed(line, on, sigma=0.3, n=300)
    assert found.classes.tolist() == [ABSTAIN]
    assert found.radii.tolist() == [0.0]
    assert found.accuracy([1]) == 0.0


def test_accuracy_within_a_radius() -> None:
    x = torch.cat([image(0.9, 0.1, 0.7), image(1.0, 0.0, 1.0), image(0.0, 0.0, 0.0)])
    found = certify_smoothed(line, x, sigma=0.3, n=5000)  # 0.4, 0.7 and 0.7 away
    assert found.accuracy([1, 1, 0]) == 1.0
    assert found.accuracy([1, 1, 1]) == pytest.approx(2 / 3)
    assert found.accuracy([1, 1, 0], radius=0.5) == pytest.approx(2 / 3)


def test_seeds_and_batches() -> None:
    x, state = image(0.9, 0.1, 0.7), torch.random.get_rng_state()
    one, same = (certify_smoothed(line, x, sigma=0.3, n=500, seed=1).radii for _ in range(2))
    other = certify_smoothed(line, x, sigma=0.3, n=500, seed=2).radii
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sigma": 0.0}, "sigma: expected a finite number above 0"),
        ({"sigma": float("inf")}, "sigma: expected a finite number above 0, got inf"),
        ({"sigma": float("nan")}, "sigma: expected a finite number above 0, got nan"),
        ({"n": 0}, "n: expected an integer"),
        ({"alpha": 2.0}, "alpha: expected a number above 0"),
        ({"alpha": 1.0}, "alpha: expected a number above 0 and below 1"),
        ({"x": torch.zeros(3)}, "x: expected a floating-point tensor of shape"),
        ({"x": torch.full((1, 3, 1, 1), torch.nan)}, "x: expected values in"),
    ],
)
def test_wrong_arguments_are_refused(change, message: str) -> None:
    given = {"x": image(0, 0, 0), "sigma": 0.3, "n": 10, **change}
    with pytest.raises(InvalidInputError, match=message):
        certify_smoothed(line, given.pop("x"), **given)


def test_images_with_answers_that_are_not_finite_are_not_certified() -> None:
    def fails(x: torch.Tensor) -> torch.Tensor:
        return line(x) / (x[:, :1, 0, 0] < 0.8)  # 0 / 0 or 1 / 0

    x = torch.cat([image(0.1, 0.1, 0.1), image(0.9, 0.1, 0.1)])
    with pytest.raises(NotFiniteError, match="x: image number 0 with noise: network: expected"):
        certify_smoothed(fails, x, sigma=3.0, n=200)
    with pytest.raises(NotFiniteError, match="x: image number 1 with noise: network: expected"):
        certify_smoothed(fails, x, sigma=1e-3, n=20)


def test_every_module_is_certified_in_evaluation_mode() -> None:
    dropout = nn.Dropout(0.9)
    network = nn.Sequential(nn.Identity(), dropout).eval()
    dropout.train()
    x = image(0.9, 0.1, 0.7)
    found = certify_smoothed(lambda x: line(network(x)), x, sigma=0.1, n=500)
    assert found.radii == certify_smoothed(line, x, sigma=0.1, n=500).radii
    assert dropout.training


def test_abstentions_are_never_right() -> None:
    found = SmoothedCertificate(np.array([ABSTAIN, 1]), np.array([0.0, 0.2]))
    assert found.accuracy([0, 1]) == 0.5
    for labels in ([-1, 1], [0], [0.0, 1.0]):
        with pytest.raises(InvalidInputError, match="labels: expected integers from 0 of shape"):
            found.accuracy(labels)
    with pytest.raises(InvalidInputError, match="radius: expected a number of at least 0"):
        found.accuracy([0, 1], radius=float("nan"))

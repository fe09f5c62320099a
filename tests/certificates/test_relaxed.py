"""Certified margins of trained networks: never above what an attack leaves, exact where linear."""

import numpy as np
import pytest
import torch
from torch import nn

from surrobust.attacks import FGSM, PGD
from surrobust.certificates import certified_radii, certify_margins
from surrobust.errors import InvalidInputError
from surrobust.networks import build_genotype_network, build_network
from surrobust.spaces import DARTS_SPACES, Architecture


def margins(network, x, y) -> torch.Tensor:
    logits = network(x)
    own = logits.gather(1, y[:, None]).squeeze(1)
    return own - logits.scatter(1, y[:, None], -torch.inf).amax(1)


def batch(n: int, seed: int = 0) -> torch.Tensor:
    return torch.rand((n, 3, 4, 4), generator=torch.Generator().manual_seed(seed))


def draw(*layers: nn.Module) -> nn.Sequential:
    rng = torch.Generator().manual_seed(0)
    network = nn.Sequential(*layers)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(0, 0.3, generator=rng)
    return network.eval()


def small() -> nn.Sequential:
    return draw(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(16, 6),
        nn.ReLU(),
        nn.Linear(6, 4),
    )


@pytest.mark.parametrize(("norm", "epsilon"), [("Linf", 0.02), ("L2", 0.1)])
def test_no_attack_on_thousands_of_images_falls_below_its_bound(norm: str, epsilon: float) -> None:
    network, x = small(), batch(2000)
    y = network(x).argmax(1)
    bounds = certify_margins(network, x, y, epsilon, norm=norm, batch_size=500)
    for attack in (FGSM(epsilon, norm=norm), PGD(epsilon, norm=norm, steps=10)):
        left = margins(network, attack(network, x, y), y).detach()
        assert bool((left >= bounds - 1e-4).all())
        # Of use, not only sound: most of what attacks leave standing is certified.
        assert float((bounds > 0).double().mean()) > 0.5 * float((left > 0).double().mean())


@pytest.mark.parametrize(("norm", "dual"), [("Linf", 1), ("L2", 2)])
def test_exact_on_linear_networks(norm: str, dual: int) -> None:
    network = draw(nn.Flatten(), nn.Linear(48, 2))
    x = batch(6) * 0.8 + 0.1  # far enough from the ends of the range
    y, weight = network(x).argmax(1), network[1].weight
    bounds = certify_margins(network, x, y, 0.05, norm=norm)
    exact = margins(network, x, y) - 0.05 * (weight[0] - weight[1]).norm(p=dual)
    assert bounds.numpy() == pytest.approx(exact.detach().numpy(), abs=1e-5)


def test_radii_are_those_of_a_linear_network() -> None:
    network = draw(nn.Flatten(), nn.Linear(48, 2))
    x = batch(4) * 0.4 + 0.3
    y = network(x).argmax(1)
    away = margins(network, x, y) / (network[1].weight[0] - network[1].weight[1]).norm(p=1)
    for ranges in ("interval", "linear"):
        found = certified_radii(network, x, y, ranges=ranges, largest=0.25, steps=14)
        assert found.numpy() == pytest.approx(np.minimum(away.detach().numpy(), 0.25), abs=1e-4)
    assert certified_radii(network, x, 1 - y).tolist() == [0.0] * 4


def test_two_layers_by_hand() -> None:
    # relu(p - q) - relu(q - p) against 0 at p = .7, q = .2 with epsilon .1: p - q is in [.3, .7],
    # both pieces are settled, so the margin is p - q and falls to .3 at worst.
    network = nn.Sequential(
        nn.Flatten(), nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 2, bias=False)
    )
    with torch.no_grad():
        network[1].weight.copy_(torch.tensor([[1.0, -1.0], [-1.0, 1.0]]))
        network[3].weight.copy_(torch.tensor([[1.0, -1.0], [0.0, 0.0]]))
    x, y = torch.tensor([0.7, 0.2]).reshape(1, 2, 1, 1), torch.tensor([0])
    assert certify_margins(network, x, y, 0.1).tolist() == pytest.approx([0.3])
    # With epsilon .3 it is in [-.1, 1.1]: relu(p - q) is at least p - q, relu(q - p), whose input
    # is in [-1.1, .1], at most .1 / 1.2 (q - p + 1.1); at p - q = -.1 that is -.1 - .1.
    assert certify_margins(network, x, y, 0.3).tolist() == pytest.approx([-0.2])


def test_cells_and_what_they_leave_as_it_was() -> None:
    network = build_network(Architecture.parse("323133"), channels=2, cells=1, image_size=8)
    x = torch.rand((2, 3, 8, 8), generator=torch.Generator().manual_seed(0))
    network.train()
    y = network.eval()(x).argmax(1)
    network.train()
    bounds = certify_margins(network, x, y, 1e-5)
    assert network.training
    assert next(network.parameters()).dtype == torch.float32
    left = margins(network.eval(), PGD(1e-5)(network, x, y), y)
    assert bool((left >= bounds - 1e-5).all())
    assert bounds.numpy() == pytest.approx(margins(network, x, y).detach().numpy(), abs=0.05)


@pytest.mark.parametrize("code", ["324143", "444444", "000000", "040124"])
def test_every_operation_of_nas_bench_201(code: str) -> None:
    network = build_network(Architecture.parse(code), channels=2, cells=1, image_size=8)
    check_soundness(network.eval(), size=8)


@pytest.mark.parametrize("space", sorted(DARTS_SPACES))
def test_networks_of_genotypes(space: str) -> None:
    for genotype in DARTS_SPACES[space].sample(1, seed=0):
        network = build_genotype_network(genotype, channels=1, cells=3, classes=4)
        check_soundness(network.eval(), size=4)


def check_soundness(network: nn.Module, *, size: int) -> None:
    x = torch.rand((2, 3, size, size), generator=torch.Generator().manual_seed(0))
    y = network(x).argmax(1)
    bounds = certify_margins(network, x, y, 1e-4)
    tighter = certify_margins(network, x, y, 1e-4, ranges="linear")
    left = margins(network, PGD(1e-4)(network, x, y), y)
    for found in (bounds, tighter):
        assert bool((left >= found - 1e-5).all())
        assert bool((found < margins(network, x, y) + 1e-5).all())


class Hidden(nn.Module):
    """A ReLU that is not a module."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(48, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(-self.layer(x.flatten(1))) * 5


class Twice(nn.Module):
    """One ReLU, called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.relu = nn.Linear(48, 8), nn.Linear(8, 4), nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.relu(self.second(self.relu(self.first(x.flatten(1)))))


class Difference(nn.Module):
    """Two paths, the one less the other."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.relu = nn.Linear(48, 8), nn.Linear(48, 8), nn.ReLU()
        self.last = nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.flatten(1)
        return self.last(self.relu(self.first(x) - 0.9 * self.second(x)))


def test_networks_that_cannot_be_bounded_are_refused() -> None:
    x, y = batch(3), torch.tensor([0, 1, 2])
    sigmoid = nn.Sequential(nn.Flatten(), nn.Linear(48, 4), nn.Sigmoid())
    with pytest.raises(InvalidInputError, match=r"network: expected layers .* got Sigmoid at 2"):
        certify_margins(sigmoid, x, y, 0.01)
    with pytest.raises(InvalidInputError, match="each ReLU and maximum to be called once"):
        certify_margins(Twice(), x, y, 0.01)
    with pytest.raises(InvalidInputError, match="got another function in it"):
        certify_margins(draw(Hidden()), x, y, 0.01)
    with pytest.raises(InvalidInputError, match="sums with weights that are not negative"):
        certify_margins(draw(Difference()), x, y, 0.2)


def test_inference_mode_changes_nothing() -> None:
    network, x = small(), batch(3)
    y = network(x).argmax(1)
    bounds, radii = certify_margins(network, x, y, 0.02), certified_radii(network, x, y, steps=4)
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            assert torch.equal(certify_margins(network, x.clone(), y, 0.02), bounds)
            assert torch.equal(certified_radii(network, x.clone(), y, steps=4), radii)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": torch.tensor([0, -1])}, "y: expected classes from 0 .*, got -1"),
        ({"y": torch.tensor([0, 4])}, "y: expected classes from 0 to 3, .* got 4"),
        ({"y": torch.tensor([0])}, r"y: expected an int64 tensor of shape \(2,\)"),
        ({"x": batch(2) * torch.nan}, "x: expected values in .* got nan 96 times"),
        ({"x": batch(0), "y": torch.zeros(0, dtype=torch.int64)}, "x: expected at least one image"),
    ],
)
def test_wrong_images_and_classes_are_refused(change, message: str) -> None:
    given = {"x": batch(2), "y": torch.zeros(2, dtype=torch.int64), **change}
    for certify in (lambda *args: certify_margins(*args, 0.01), certified_radii):
        with pytest.raises(InvalidInputError, match=message):
            certify(small(), given["x"], given["y"])


def test_weights_that_are_not_finite_certify_nothing() -> None:
    network, x = small(), batch(2)
    network[-1].bias.data[1] = torch.nan
    with pytest.raises(InvalidInputError, match="network: expected"):
        certify_margins(network, x, torch.zeros(2, dtype=torch.int64), 0.01)
    with pytest.raises(InvalidInputError, match="largest: expected a finite number above 0"):
        certified_radii(small(), x, torch.zeros(2, dtype=torch.int64), largest=float("inf"))

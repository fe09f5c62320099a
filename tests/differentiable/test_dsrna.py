"""The measures R: what they are on networks small enough for a pencil, and sound on supernets."""

import pytest
import torch
from torch import nn

from surrobust.attacks import FGSM, PGD
from surrobust.differentiable.dsrna import certified_term, jacobian_term
from surrobust.differentiable.supernets import build_cell_supernet


def linear(rows):
    network = nn.Sequential(nn.Flatten(), nn.Linear(2, len(rows), bias=False)).double()
    network[1].weight.data = torch.tensor(rows).double()
    return network


def test_linear_networks_by_hand():
    network = linear([[3.0, 1.0], [1.0, 2.0], [0.0, -1.0]])
    x = torch.tensor([[[[0.5, 0.5]]], [[[0.5, 0.25]]]]).double()
    y = torch.tensor([0, 0])
    # Margins 2a - b and 3a + 2b: the first is less; it falls by .1 (2 + 1).
    found = certified_term(network, x, y, epsilon=0.1)
    assert found.item() == pytest.approx((0.5 + 0.75) / 2 - 0.3)
    # 1-norms of the rows: 4, 3, 1; 2-norms: sqrt 10, sqrt 5, 1.
    assert jacobian_term(network, x, epsilon=0.1).item() == pytest.approx(-0.1 * 8 / 3)
    expected = -0.1 * (10**0.5 + 5**0.5 + 1) / 3
    assert jacobian_term(network, x, epsilon=0.1, norm="L2").item() == pytest.approx(expected)


def least_margins(network, x, y):
    logits = network(x)
    own = logits.gather(1, y[:, None])
    return (own - logits.scatter(1, y[:, None], -torch.inf)).min(1).values


@pytest.mark.parametrize("ranges", ["interval", "linear"])
@pytest.mark.parametrize("attack", [FGSM(2 / 255), PGD(2 / 255, steps=5), PGD(2 / 255, norm="L2")])
def test_no_attack_on_a_supernet_falls_below_the_certified_bound(attack, ranges):
    generator = torch.Generator().manual_seed(3)
    network = build_cell_supernet(channels=1, cells=1, classes=3, generator=generator)
    n = 48 if ranges == "interval" else 4  # image by image
    x = torch.rand(n, 3, 8, 8, generator=generator)
    y = torch.randint(0, 3, (n,), generator=generator)
    network(x)  # statistics that are not those of no images
    network.eval()
    x_adv = attack(network, x, y)
    ball = {"epsilon": attack.epsilon, "norm": attack.norm, "ranges": ranges}
    size = n // 4
    parts = zip(x.split(size), x_adv.split(size), y.split(size), strict=True)
    for image, attacked, label in parts:
        bound = certified_term(network, image, label, **ball).item()
        assert bound <= least_margins(network, attacked, label).mean().item() + 1e-5


def test_a_constant_network_has_no_slope():
    network = linear([[0.0, 0.0], [0.0, 0.0]])
    x = torch.full((1, 1, 1, 2), 0.5).double()
    for norm in ("Linf", "L2"):
        term = jacobian_term(network, x, epsilon=0.1, norm=norm)
        (slope,) = torch.autograd.grad(term, [network[1].weight])
        assert term.item() == pytest.approx(0.0, abs=1e-12)
        assert bool(torch.isfinite(slope).all())


def test_the_mode_is_put_back():
    network = linear([[1.0, 0.0], [0.0, 1.0]]).train()
    x = torch.full((1, 1, 1, 2), 0.5).double()
    certified_term(network, x, torch.tensor([0]), epsilon=0.1)
    jacobian_term(network, x, epsilon=0.1)
    assert network.training

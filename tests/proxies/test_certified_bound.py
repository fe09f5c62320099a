"""Certified bounds: exact where nothing is relaxed, never above what an attack finds."""

import pytest
import torch

from surrobust.certificates import Box, interval_ranges, margin_bounds
from surrobust.proxies import PROXIES, ProxyScorer
from surrobust.spaces import Architecture


def calibrated(code: str, seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(4, 3, 8, 8, generator=generator)
    scorer = ProxyScorer(
        ["params"], (x, torch.tensor([0, 1, 2, 1])), channels=3, cells_per_stage=1, seed=seed
    )
    return scorer.probe(Architecture.parse(code)).calibrated.double(), x.double()


def margins(network, x, classes):
    logits = network(x)
    own = logits.gather(1, classes[:, None])
    return own - logits.scatter(1, classes[:, None], -torch.inf).max(1, keepdim=True).values


def test_by_hand(pencil):
    # Pixels 0.5 +- 0.1 stay positive, so all is linear: margin (3 - 1) a + (1 - 2) b.
    probe = pencil([[3.0, 1.0], [1.0, 2.0]], [[0.5, 0.5]], [0])
    expected = (2 * 0.5 - 0.5) - 0.1 * (2 + 1)
    assert PROXIES["certified_bound"](epsilon=0.1).score(probe) == pytest.approx(expected, rel=1e-5)


def test_one_relu_by_hand(pencil):
    # z = x - 1/2 in [-0.1, 0.3]; logits (0, z+): of class 0 the margin is -z+, bounded by the
    # chord from (-0.1, 0) to (0.3, 0.3), which is exact at its right end.
    probe = pencil([[0.0], [1.0]], [[0.6]], [0])
    network = probe.calibrated.double()
    network.normalise.set_statistics(((0.5,), (1.0,)))
    box = Box(torch.tensor([[[[0.6]]]]).double(), torch.tensor([[[[0.2]]]]).double())
    assert float(margin_bounds(network, box, torch.tensor([0]))) == pytest.approx(-0.3, rel=1e-5)
    # Of class 1 the margin is z+, bounded by z itself at its left end.
    assert float(margin_bounds(network, box, torch.tensor([1]))) == pytest.approx(-0.1, rel=1e-5)


def test_the_box_stays_within_pixels():
    box = Box.around(torch.tensor([0.02, 0.5, 1.0]), 0.1)
    torch.testing.assert_close(box.centre, torch.tensor([0.06, 0.5, 0.95]))
    torch.testing.assert_close(box.radius, torch.tensor([0.06, 0.1, 0.05]))


def test_an_empty_ball_gives_the_margin_itself():
    network, x = calibrated("323412")
    classes = network(x).argmax(1)
    bounds = margin_bounds(network, Box.around(x, 0.0), classes).min(1).values
    torch.testing.assert_close(bounds, margins(network, x, classes)[:, 0].detach())


@pytest.mark.parametrize("code", ["323133", "444444", "214321", "300103"])
@pytest.mark.parametrize("epsilon", [0.0005, 0.01])
def test_no_point_of_the_ball_falls_below_the_bound(code, epsilon):
    network, x = calibrated(code)
    classes = network(x).argmax(1)
    box = Box.around(x, epsilon)
    bounds = margin_bounds(network, box, classes).min(1).values
    generator = torch.Generator().manual_seed(5)
    for _ in range(30):
        corner = torch.randint(0, 2, x.shape, generator=generator) * 2 - 1
        inside = torch.rand(x.shape, generator=generator, dtype=torch.float64)
        for share in (corner, corner * inside):
            found = margins(network, box.centre + box.radius * share, classes)[:, 0]
            assert bool((found >= bounds - 1e-9).all())
    point = box.centre.clone()
    for _ in range(10):
        point = point.detach().requires_grad_()
        (slope,) = torch.autograd.grad(margins(network, point, classes).sum(), point)
        point = point - 0.3 * box.radius * slope.sign()
        point = point.clamp(box.centre - box.radius, box.centre + box.radius)
    assert bool((margins(network, point, classes)[:, 0] >= bounds - 1e-9).all())


def test_intervals_hold_what_enters_every_relu():
    network, x = calibrated("323133")
    box = Box.around(x, 0.01)
    ranges = interval_ranges(network, box)
    seen = []

    def check(module, inputs):
        lower, upper = ranges[module]
        seen.append(bool(((inputs[0] >= lower - 1e-9) & (inputs[0] <= upper + 1e-9)).all()))

    for module in ranges:
        module.register_forward_pre_hook(check)
    generator = torch.Generator().manual_seed(0)
    share = torch.rand(x.shape, generator=generator, dtype=torch.float64) * 2 - 1
    network(box.centre + box.radius * share)
    assert all(seen)
    assert len(seen) == len(ranges)


def test_forwards_are_put_back():
    network, x = calibrated("323133")
    before = network(x).detach()
    margin_bounds(network, Box.around(x, 0.01), torch.tensor([0, 1, 2, 0]))
    assert not any("forward" in vars(module) for module in network.modules())
    torch.testing.assert_close(network(x).detach(), before)

"""Ranges by linear functions: they hold what enters, and no interval is narrower."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from surrobust.certificates import Box, interval_ranges, linear_ranges
from surrobust.differentiable.supernets import build_cell_supernet, build_genotype_supernet
from surrobust.errors import InvalidInputError
from surrobust.networks.blocks import Rectifier


def points_of(x, epsilon, norm, generator):
    delta = torch.rand(x.shape, generator=generator, dtype=x.dtype) * 2 - 1
    if norm == "L2":
        delta = delta / delta.flatten(1).norm(dim=1)[:, None, None, None]
    return (x + epsilon * delta).clamp(0, 1)


def check(network, x, epsilon, norm, generator, *, times=20):
    box = Box.around(x, epsilon, norm)
    ranges, wide = linear_ranges(network, box), interval_ranges(network, box)
    assert ranges.keys() == wide.keys()
    for module, (lower, upper) in ranges.items():
        assert bool((lower >= wide[module][0] - 1e-9).all())
        assert bool((upper <= wide[module][1] + 1e-9).all())
    seen = []

    def hold(module, inputs):
        lower, upper = ranges[module]
        seen.append(bool(((inputs[0] >= lower - 1e-9) & (inputs[0] <= upper + 1e-9)).all()))

    hooks = [module.register_forward_pre_hook(hold) for module in ranges]
    for _ in range(times):
        network(points_of(x, epsilon, norm, generator))
    for hook in hooks:
        hook.remove()
    assert all(seen)
    assert len(seen) == times * len(ranges)
    return ranges, wide


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    epsilon=st.sampled_from([0.0, 1 / 255, 8 / 255, 0.2]),
    norm=st.sampled_from(["Linf", "L2"]),
)
def test_they_hold_what_enters_random_networks(draw_network, seed, epsilon, norm):
    network, generator = draw_network(seed, depth=3)
    x = torch.rand(2, 1, 4, 4, generator=generator, dtype=torch.float64)
    check(network, x, epsilon, norm, generator)


@pytest.mark.parametrize(
    ("space", "norm"),
    [("nas-bench-201", "Linf"), ("nas-bench-201", "L2"), ("darts", "Linf"), ("arnas", "L2")],
)
def test_they_hold_what_enters_supernets_and_are_narrower(space, norm):
    generator = torch.Generator().manual_seed(3)
    size = 8 if space == "nas-bench-201" else 4
    if space == "nas-bench-201":
        network = build_cell_supernet(channels=1, cells=1, classes=3, generator=generator)
    else:
        network = build_genotype_supernet(space, channels=1, cells=4, generator=generator)
    network = network.double()
    network(torch.rand(16, 3, size, size, generator=generator).double())  # statistics of images
    x = torch.rand(1, 3, size, size, generator=generator).double()
    ranges, wide = check(network.eval(), x, 1 / 255, norm, generator, times=5)
    last = list(ranges)[-1]
    (lower, upper), (least, most) = ranges[last], wide[last]
    assert float((upper - lower).mean()) < 0.5 * float((most - least).mean())


def two_layers(second):
    """Hidden units relu(x1 - x2) and relu(x1 + x2 - 1), then ``second`` of them and a ReLU."""
    network = nn.Sequential(
        nn.Flatten(), nn.Linear(2, 2), Rectifier(), nn.Linear(2, 1), Rectifier(), nn.Linear(1, 2)
    ).double()
    with torch.no_grad():
        network[1].weight.copy_(torch.tensor([[1.0, -1.0], [1.0, 1.0]]))
        network[1].bias.copy_(torch.tensor([0.0, -1.0]))
        network[3].weight.copy_(torch.tensor([second]))
        network[3].bias.zero_()
    return network


@pytest.mark.parametrize(
    ("second", "lower", "upper"), [([1.0, 1.0], 0.0, 0.45), ([1.0, -1.0], -0.225, 0.225)]
)
def test_two_layers_by_hand(second, lower, upper):
    # At (.6, .5) with radius .1 both z are in [-.1, .3], so relu(z) is .75 z + .0375 up to .0375.
    # The sum is 1.5 x1 - .75 + .075 up to .075, .225 at the centre, and moves by .15: between 0
    # and .45, of which intervals say [0, .6]. The difference is .75 - 1.5 x2 up to .075, 0 at the
    # centre, and moves by .15; intervals say [-.3, .3].
    network = two_layers(second)
    x = torch.tensor([[[[0.6, 0.5]]]], dtype=torch.float64)
    found = linear_ranges(network, Box.around(x, 0.1))[network[4]]
    assert [float(part) for part in found] == pytest.approx([lower, upper], abs=1e-12)


def test_two_layers_in_a_euclidean_ball_by_hand():
    # z moves by .1 sqrt 2 around .1: [.1 - r, .1 + r]. Slope s = (.1 + r) / 2r, error up to
    # s (r - .1) / 2 each. The difference of both is s (1 - 2 x2) up to twice that.
    network = two_layers([1.0, -1.0])
    x = torch.tensor([[[[0.6, 0.5]]]], dtype=torch.float64)
    r = 0.1 * 2**0.5
    slope = (0.1 + r) / (2 * r)
    lower, upper = linear_ranges(network, Box.around(x, 0.1, "L2"))[network[4]]
    expected = slope * 2 * 0.1 + slope * (r - 0.1)
    assert [float(lower), float(upper)] == pytest.approx([-expected, expected])


class Rest(nn.Module):
    """ReLU of what the largest pixel exceeds the first by."""

    def __init__(self):
        super().__init__()
        self.largest, self.rectify = nn.MaxPool2d(2), Rectifier()
        self.first = nn.Conv2d(1, 1, 2, bias=False)

    def forward(self, x):
        return self.rectify(self.largest(x) + self.first(x))


def test_a_maximum_by_hand():
    # Pixels .5 and .45 up to .1, the others far below: the largest is the first, or more than it
    # by up to .15. So the rest is in [0, .15]; intervals say [.4 - .6, .6 - .4].
    network = Rest().double()
    with torch.no_grad():
        network.first.weight.copy_(torch.tensor([[[[-1.0, 0.0], [0.0, 0.0]]]]))
    x = torch.tensor([[[[0.5, 0.45], [0.2, 0.1]]]], dtype=torch.float64)
    box = Box.around(x, 0.1)
    found = linear_ranges(network, box)[network.rectify]
    assert [float(part) for part in found] == pytest.approx([0.0, 0.15], abs=1e-12)
    wide = interval_ranges(network, box)[network.rectify]
    assert [float(part) for part in wide] == pytest.approx([-0.2, 0.2])


class Paths(nn.Module):
    """ReLU of the sum of two paths with a ReLU each: relu(z) and relu(-z) - 1 / 2."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.last = Rectifier(), Rectifier(), Rectifier()
        self.turn = nn.Conv2d(1, 1, 1)
        self.down = nn.Conv2d(1, 1, 1)

    def forward(self, x):
        return self.last(self.one(self.turn(x)) + self.down(self.two(self.turn(x))))


def test_errors_of_different_paths_are_not_taken_for_one():
    # Both ReLU see z = x - 1/2 in [-.1, .1]: .5 z + .025 up to .025 each. Were the errors one,
    # they would cancel in relu(z) - relu(z) and leave 0; kept apart they leave .05, .05 more
    # than the truth, which intervals put into [-.1, .1].
    network = Paths().double()
    with torch.no_grad():
        for layer, weight, bias in ((network.turn, 1.0, -0.5), (network.down, -1.0, 0.0)):
            layer.weight.fill_(weight)
            layer.bias.fill_(bias)
    x = torch.full((1, 1, 1, 1), 0.5, dtype=torch.float64)
    found = linear_ranges(network, Box.around(x, 0.1))[network.last]
    assert [float(part) for part in found] == pytest.approx([-0.05, 0.05], abs=1e-12)


@pytest.mark.parametrize("differentiable", [False, True])
def test_what_would_not_fit_is_refused(monkeypatch, draw_network, differentiable):
    monkeypatch.setattr("surrobust.certificates.linear.LARGEST", 1000)
    network, _ = draw_network(0)
    x = torch.full((1, 1, 4, 4), 0.5, dtype=torch.float64)
    message = "ranges: expected interval beyond 1000 coefficients, got linear with .* pixels"
    with pytest.raises(InvalidInputError, match=message):
        linear_ranges(network, Box.around(x, 0.2), differentiable=differentiable)

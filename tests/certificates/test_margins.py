"""Bounds through every kind of layer: sound, exact where nothing bends, differentiable."""

import gc
import weakref

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from surrobust.attacks import ATTACKS
from surrobust.certificates import RANGES, Box, margin_bounds
from surrobust.errors import InvalidInputError
from surrobust.networks import build_network
from surrobust.networks.blocks import Pool, Rectifier
from surrobust.spaces import Architecture

BOTH = pytest.mark.parametrize("ranges", sorted(RANGES))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    epsilon=st.sampled_from([1 / 255, 8 / 255, 0.2]),
    norm=st.sampled_from(["Linf", "L2"]),
    ranges=st.sampled_from(sorted(RANGES)),
)
def test_random_networks_never_fall_below_their_bounds(
    draw_network, least_margins, seed, epsilon, norm, ranges
):
    network, generator = draw_network(seed)
    x = torch.rand(3, 1, 4, 4, generator=generator, dtype=torch.float64)
    classes = torch.tensor([0, 1, 2])
    box = Box.around(x, epsilon, norm)
    bounds = margin_bounds(network, box, classes, ranges=ranges).min(1).values
    for _ in range(20):
        delta = torch.rand(x.shape, generator=generator, dtype=torch.float64) * 2 - 1
        if norm == "L2":
            delta = delta / delta.flatten(1).norm(dim=1)[:, None, None, None]
        inside = (x + epsilon * delta).clamp(0, 1)
        assert bool((least_margins(network, inside, classes) >= bounds - 1e-9).all())


@BOTH
@pytest.mark.parametrize("code", ["033113", "300102", "002112"])
def test_what_a_convolution_of_zeros_adds_is_bounded_too(least_margins, code, ranges):
    sizes = {"channels": 2, "cells": 1, "classes": 3, "image_size": 8}
    network = build_network(Architecture.parse(code), **sizes).double().eval()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.bias.normal_(generator=generator)
                module.running_mean.normal_(0, 0.3, generator=generator)
    x = torch.rand(2, 3, 8, 8, generator=generator, dtype=torch.float64)
    classes = network(x).argmax(1)
    bounds = margin_bounds(network, Box.around(x, 1 / 255), classes, ranges=ranges).min(1).values
    exact = margin_bounds(network, Box.around(x, 0.0), classes, ranges=ranges).min(1).values
    margins = least_margins(network, x, classes)
    torch.testing.assert_close(exact, margins.detach())
    for _ in range(20):
        delta = torch.rand(x.shape, generator=generator, dtype=torch.float64) * 2 - 1
        inside = (x + delta / 255).clamp(0, 1)
        assert bool((least_margins(network, inside, classes) >= bounds - 1e-9).all())


@pytest.mark.parametrize("norm", ["Linf", "L2"])
@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_no_attack_falls_below_the_bound(draw_network, least_margins, name, norm):
    # AutoAttack needs four classes, its Square five pixels a side.
    network, generator = draw_network(1, classes=4, size=5)
    n = 2000 if name in {"fgsm", "pgd", "apgd-ce"} else 12  # others take hundreds of steps
    x = torch.rand(n, 1, 5, 5, generator=generator, dtype=torch.float64)
    classes = network(x).argmax(1)
    epsilon = 8 / 255
    attack = ATTACKS[name](epsilon=epsilon, norm=norm)
    found = least_margins(network, attack(network, x, classes), classes).detach()
    gaps = {}
    for ranges, m in (("interval", n), ("linear", min(n, 200))):  # image by image
        box = Box.around(x[:m], epsilon, norm)
        bounds = margin_bounds(network, box, classes[:m], ranges=ranges).min(1).values
        assert bool((found[:m] >= bounds - 1e-9).all())
        gaps[ranges] = float((found[:m] - bounds).mean())
    assert gaps["interval"] < 1.0  # the bound is not far below either
    assert gaps["linear"] < 0.9 * gaps["interval"]


@BOTH
@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_exact_on_linear_networks(least_margins, norm, ranges):
    generator = torch.Generator().manual_seed(3)
    x = 0.4 + 0.2 * torch.rand(4, 2, 3, 3, generator=generator, dtype=torch.float64)
    network = nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1), Pool(), nn.Flatten(), nn.Linear(27, 2)
    ).double()
    classes = torch.tensor([0, 1, 1, 0])
    bounds = margin_bounds(network, Box.around(x, 0.1, norm), classes, ranges=ranges)[:, 0]
    x.requires_grad_()
    margins = least_margins(network, x, classes)
    (slope,) = torch.autograd.grad(margins.sum(), x)
    flat = slope.flatten(1)
    dual = flat.abs().sum(1) if norm == "Linf" else flat.norm(dim=1)
    torch.testing.assert_close(bounds, (margins - 0.1 * dual).detach())
    worst = slope.sign() if norm == "Linf" else slope / flat.norm(dim=1)[:, None, None, None]
    torch.testing.assert_close(least_margins(network, x - 0.1 * worst, classes).detach(), bounds)


def test_two_layers_by_hand():
    # Hidden units relu(x1 - x2) and relu(x1 + x2 - 1) at x = (.6, .5), radius .1: their ranges are
    # [-.1, .3] and [-.1, .3]. Margin 2 h1 - h2, so h1 is bounded by z1 itself (u > -l), h2 by the
    # chord .75 (z2 + .1): 2 (x1 - x2) - .75 (x1 + x2 - .9) = 1.25 x1 - 2.75 x2 + .675, which is
    # .05 at the centre and falls by .1 (1.25 + 2.75).
    network = nn.Sequential(nn.Flatten(), nn.Linear(2, 2), Rectifier(), nn.Linear(2, 2)).double()
    with torch.no_grad():
        network[1].weight.copy_(torch.tensor([[1.0, -1.0], [1.0, 1.0]]))
        network[1].bias.copy_(torch.tensor([0.0, -1.0]))
        network[3].weight.copy_(torch.tensor([[2.0, 0.0], [0.0, 1.0]]))
        network[3].bias.zero_()
    x = torch.tensor([[[[0.6, 0.5]]]], dtype=torch.float64)
    bound = margin_bounds(network, Box.around(x, 0.1), torch.tensor([0]))
    assert float(bound) == pytest.approx(0.05 - 0.4)


def test_a_maximum_by_hand():
    # The largest of (.9, .1, .2) is the first pixel for certain; of (.5, .45, .2) it is at most .6.
    network = nn.Sequential(nn.MaxPool2d(3), nn.Flatten(), nn.Linear(1, 2)).double()
    with torch.no_grad():
        network[2].weight.copy_(torch.tensor([[1.0], [0.0]]))
        network[2].bias.zero_()
    rows = torch.tensor([[0.9, 0.1, 0.2], [0.5, 0.45, 0.2]], dtype=torch.float64)
    x = rows[:, None, None, :].repeat(1, 1, 3, 1) * torch.tensor([1.0, 0.5, 0.1])[:, None]
    box = Box.around(x, 0.1)
    certain = margin_bounds(network, box, torch.tensor([0, 0]))[:, 0]
    torch.testing.assert_close(certain, torch.tensor([0.8, 0.4], dtype=torch.float64))
    turned = margin_bounds(network, box, torch.tensor([1, 1]))[:, 0]
    torch.testing.assert_close(turned, torch.tensor([-1.0, -0.6], dtype=torch.float64))


@BOTH
@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_bounds_have_gradients_by_weights_and_by_the_mixture(draw_network, norm, ranges):
    network, generator = draw_network(4, depth=1)
    x = torch.rand(2, 1, 4, 4, generator=generator, dtype=torch.float64)
    classes = torch.tensor([0, 2])

    def value(differentiable=False):
        box = Box.around(x, 0.05, norm)
        how = {"ranges": ranges, "differentiable": differentiable}
        return margin_bounds(network, box, classes, **how).mean()

    parameters = [network[1].weights, network[0].weight, network[-1].weight]
    gradients = torch.autograd.grad(value(differentiable=True), parameters)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        flat = parameter.data.view(-1)
        for i in range(min(3, len(flat))):
            kept = float(flat[i])
            flat[i] = kept + 1e-6
            above = value().item()
            flat[i] = kept - 1e-6
            slope = (above - value().item()) / 2e-6
            flat[i] = kept
            assert float(gradient.flatten()[i]) == pytest.approx(slope, rel=1e-4, abs=1e-6)


def test_an_unknown_name_is_refused():
    x = torch.zeros(1, 1, 1, 2)
    network = nn.Sequential(nn.Flatten(), nn.Linear(2, 2))
    with pytest.raises(InvalidInputError, match="ranges: expected one of interval, linear; got"):
        margin_bounds(network, Box.around(x, 0.1), torch.tensor([0]), ranges="exact")


@BOTH
def test_no_graph_is_left_behind(draw_network, ranges):
    network, generator = draw_network(0)
    x = torch.rand(1, 1, 4, 4, generator=generator, dtype=torch.float64)
    box, classes = Box.around(x, 0.05), torch.tensor([0])
    bounds = margin_bounds(network, box, classes, ranges=ranges, differentiable=True)
    torch.autograd.grad(bounds.sum(), network[1].weights)
    left = weakref.ref(network[1].weights)
    del network, bounds
    gc.collect()
    assert left() is None

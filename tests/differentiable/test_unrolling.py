"""Architecture gradients against finite differences, of both orders."""

import pytest
import torch
from torch.nn import functional

from surrobust.differentiable import InnerStep, architecture_gradients
from surrobust.differentiable.supernets import build_genotype_supernet
from surrobust.differentiable.unrolling import evaluate_at

ENTRIES = [(0, 0, 3), (0, 2, 1), (0, 3, 0), (0, 4, 2), (0, 5, 4)]


def loss_on(batch):
    x, y = batch
    return lambda network: functional.cross_entropy(network(x), y)


def test_first_order(tiny, by_differences):
    network, _, held = tiny
    ((value, gradient),) = architecture_gradients(network, [loss_on(held)])
    assert value.item() == pytest.approx(evaluate_at(network, {}, loss_on(held)).item())
    for entry in ENTRIES:
        slope = by_differences(
            network, lambda: evaluate_at(network, {}, loss_on(held)).item(), entry
        )
        assert gradient[entry].item() == pytest.approx(slope, rel=1e-4, abs=1e-8)


def test_first_order_by_the_weights_of_edges(by_differences):
    generator = torch.Generator().manual_seed(0)
    sizes = {"channels": 2, "partial": 2, "cells": 3, "classes": 3}
    network = build_genotype_supernet("darts", **sizes, generator=generator).double()
    held = torch.rand(4, 3, 8, 8, generator=generator).double(), torch.tensor([0, 1, 2, 0])
    ((_, gradient),) = architecture_gradients(network, [loss_on(held)])
    for entry in ((0, 0, 8), (1, 13, 8), (0, 6, 4)):  # two of edges, one of an op
        slope = by_differences(
            network, lambda: evaluate_at(network, {}, loss_on(held)).item(), entry
        )
        assert gradient[entry].item() == pytest.approx(slope, rel=1e-4, abs=1e-8)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_second_order(tiny, by_differences, momentum):
    network, fitted, held = tiny
    buffers = {name: 0.1 * w.detach() for name, w in network.weights().items()} if momentum else {}
    step = InnerStep(0.2, momentum, 0.01, buffers)
    outers = [loss_on(held), lambda net: 0.1 * loss_on(fitted)(net)]
    found = architecture_gradients(network, outers, inner=loss_on(fitted), step=step)

    def unrolled(outer):
        weights = network.weights()
        slopes = torch.autograd.grad(
            evaluate_at(network, {}, loss_on(fitted)), list(weights.values()), allow_unused=True
        )
        moved = {
            name: weight - 0.2 * (slope + 0.01 * weight + momentum * buffers.get(name, 0.0))
            for (name, weight), slope in zip(weights.items(), slopes, strict=True)
        }
        return evaluate_at(network, moved, outer).item()

    for outer, (value, gradient) in zip(outers, found, strict=True):
        assert value.item() == pytest.approx(unrolled(outer))
        for entry in ENTRIES:
            slope = by_differences(network, lambda f=outer: unrolled(f), entry)
            assert gradient[entry].item() == pytest.approx(slope, rel=1e-4, abs=1e-7)
    first = architecture_gradients(network, outers[:1])[0][1]
    assert not torch.allclose(first, found[0][1], rtol=1e-2)


def test_nothing_is_left_behind(tiny):
    network, fitted, held = tiny
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.eval()
    architecture_gradients(network, [loss_on(held)], inner=loss_on(fitted), step=InnerStep(0.1))
    assert not network.training
    after = network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(parameter.grad is None for parameter in network.parameters())

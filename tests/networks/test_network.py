"""The network: sizes, wiring, first layer, weights."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from surrobust.errors import InvalidInputError
from surrobust.networks import NORMALISATIONS, build_network
from surrobust.networks.blocks import Pool, average_padded
from surrobust.networks.cell import live_edges
from surrobust.spaces import Architecture, NASBench201, count_flops, count_parameters

SMALL = {"channels": 4, "cells": 1, "image_size": 8}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("code", ["000000", "111111", "222222", "333333", "444444", "323133"])
def test_parameters_agree_with_the_count(code):
    network = build_network(Architecture.parse(code))
    found = sum(parameter.numel() for parameter in network.parameters())
    assert found == count_parameters(Architecture.parse(code))


def test_parameters_agree_for_random_cells_and_sizes():
    for n, cell in enumerate(NASBench201().sample(20, seed=3)):
        sizes = {"channels": 2 + n % 5, "cells": 1 + n % 3, "classes": 2 + n}
        network = build_network(cell, **sizes)
        found = sum(parameter.numel() for parameter in network.parameters())
        assert found == count_parameters(cell, **sizes)


def count_by_running(network: nn.Module, image_size: int) -> int:
    """Count what the layers of one image really do, by the rule of count_flops."""
    total = 0

    def hook(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        nonlocal total
        if isinstance(module, nn.Conv2d):
            total += output[0].numel() * module.weight[0].numel()
        elif isinstance(module, nn.BatchNorm2d):
            total += 2 * inputs[0][0].numel()
        elif isinstance(module, nn.Linear):
            total += module.weight.numel()
        elif type(module).__name__ == "Rectifier":
            total += module.readers * inputs[0][0].numel()
        elif type(module).__name__ == "Pool":
            total += 9 * output[0].numel()

    for module in network.modules():
        module.register_forward_hook(hook)
    with torch.no_grad():
        network.eval()(torch.rand(1, 3, image_size, image_size, generator=seeded()))
    return total


@pytest.mark.parametrize("code", ["111111", "333333", "444444", "323133", "214321"])
def test_flops_agree_with_the_count(code):
    cell = Architecture.parse(code)
    network = build_network(cell, **SMALL)
    area, channels = SMALL["image_size"] ** 2, SMALL["channels"]
    shortcut_pools = 4 * (channels * area // 4 + 2 * channels * area // 16)
    last_pool = 4 * channels * (SMALL["image_size"] // 4 + 1) ** 2
    found = count_by_running(network, 8) + shortcut_pools + last_pool
    assert found == count_flops(cell, **SMALL)


def test_live_edges_of_cells_with_zeros():
    assert live_edges((3, 3, 3, 3, 3, 3)) == (0, 1, 2, 3, 4, 5)
    assert live_edges((3, 0, 0, 0, 0, 3)) == ()  # nothing arrives
    assert live_edges((3, 0, 3, 0, 0, 4)) == (0, 2, 5)
    assert live_edges((3, 1, 0, 0, 0, 4)) == (1, 5)  # node 1 leads nowhere
    assert live_edges((0, 0, 3, 1, 3, 3)) == (3,)  # nodes 1 and 2 have no input


def test_a_cell_that_computes_nothing_gives_constant_logits():
    network = build_network(Architecture.parse("000000"), **SMALL).eval()
    logits = network(torch.rand(3, 3, 8, 8, generator=seeded()))
    torch.testing.assert_close(logits, logits[:1].expand(3, -1))


def test_shapes_and_names():
    network = build_network(Architecture.parse("333333"), channels=4, cells=2, classes=7)
    x = torch.rand(2, 3, 32, 32, generator=seeded())
    assert network(x).shape == (2, 7)
    assert network.features(x).shape == (2, 16, 8, 8)
    names = set(network.state_dict())
    assert {"stage_1.cell_1.edge_01.convolution.weight", "head.linear.bias"} <= names


def test_first_layer_normalises():
    network = build_network(Architecture.parse(0), normalisation="cifar10")
    mean, deviation = (np.array(part)[:, None, None] for part in NORMALISATIONS["cifar10"])
    assert mean.ravel()[0] == pytest.approx(125.3 / 255)
    x = torch.rand(2, 3, 8, 8, generator=seeded())
    expected = (x.numpy() - mean) / deviation
    np.testing.assert_allclose(network.normalise(x).numpy(), expected, rtol=1e-5, atol=1e-5)


def test_weights_come_from_the_generator_and_leave_the_global_one_alone():
    before = torch.get_rng_state()
    one, same, other = (
        build_network(Architecture.parse("323133"), **SMALL, generator=seeded(s)).state_dict()
        for s in (5, 5, 6)
    )
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["stem.convolution.weight"], other["stem.convolution.weight"])
    assert torch.get_default_device() == torch.device("cpu")


def test_weights_are_uniform_within_the_root_of_the_fan_in():
    network = build_network(Architecture.parse("333333"))
    weight = network.stage_3.cell_1.edge_01.convolution.weight.detach()
    bound = 1 / np.sqrt(64 * 9)
    assert float(weight.abs().max()) <= bound
    assert float(weight.std()) == pytest.approx(bound / np.sqrt(3), rel=0.02)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("channels", 0),
        ("cells", 1.5),
        ("classes", "ten"),
        ("image_size", 3),
        ("normalisation", "mnist"),
        ("normalisation", ((0.5,), (0.0,))),
        ("normalisation", 3),
    ],
)
def test_mistakes_are_named(argument, value):
    with pytest.raises(InvalidInputError, match=f"^{argument}: expected"):
        build_network(Architecture.parse(0), **{argument: value})


@pytest.mark.parametrize("stride", [1, 2])
def test_pools_of_padded_images_and_their_gradients_are_those_of_pools_that_pad(stride):
    # A GPU has the former, where the gradients of the latter are wrong; here both are right.
    x = torch.rand((2, 3, 7, 4), generator=seeded(), dtype=torch.float64)
    results = []
    for pool in (Pool(stride), lambda pixels: average_padded(pixels, stride)):
        leaf = x.clone().requires_grad_()
        pooled = pool(leaf)
        (gradient,) = torch.autograd.grad(pooled.square().sum(), leaf)
        results.append((pooled, gradient))
    torch.testing.assert_close(*results)
    corner = x[:, :, :2, :2].mean((2, 3))
    torch.testing.assert_close(results[1][0][:, :, 0, 0], corner)

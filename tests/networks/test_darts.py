"""Networks of DARTS-type genotypes."""

import pytest
import torch

from surrobust.attacks import PGD
from surrobust.errors import InvalidInputError
from surrobust.networks import build_genotype_network
from surrobust.networks.darts import GenotypeCell, cell_roles
from surrobust.networks.darts_ops import FactorizedReduction, make_op
from surrobust.spaces import DARTS_SPACES, Genotype
from surrobust.spaces.darts import CELL_OPS, NodeCell

DARTS_V2 = Genotype.parse(
    {
        "cells": {
            "normal": [
                *[["sep_conv_3x3", 0], ["sep_conv_3x3", 1]] * 2,
                *[["sep_conv_3x3", 1], ["skip_connect", 0]],
                *[["skip_connect", 0], ["dil_conv_3x3", 2]],
            ],
            "reduce": [
                *[["max_pool_3x3", 0], ["max_pool_3x3", 1]],
                *[["skip_connect", 2], ["max_pool_3x3", 1]],
                *[["max_pool_3x3", 0], ["skip_connect", 2]],
                *[["skip_connect", 2], ["max_pool_3x3", 1]],
            ],
        }
    }
)


def test_parameters_of_the_published_network():
    # DARTS's own log of its CIFAR-10 network, without the auxiliary classifier: 3.349342 MB.
    network = build_genotype_network(DARTS_V2, channels=36, cells=20, auxiliary=True)
    counted = sum(p.numel() for n, p in network.named_parameters() if "auxiliary" not in n)
    assert counted == 3_349_342


def test_roles_of_the_papers():
    roles = cell_roles("arnas", 20)
    assert [i for i, role in enumerate(roles) if role == "reduce"] == [6, 13]
    assert set(roles[:6] + roles[7:13]) == {"accurate"}
    assert set(roles[14:]) == {"robust"}
    assert cell_roles("darts", 8).count("normal") == 6


@pytest.mark.parametrize("space", sorted(DARTS_SPACES))
@pytest.mark.parametrize("size", [8, 9])
def test_any_genotype_can_be_built_trained_and_attacked(space, size):
    (genotype,) = DARTS_SPACES[space].sample(1, seed=3)
    network = build_genotype_network(genotype, channels=2, cells=4, classes=3, image_size=size)
    x = torch.rand(4, 3, size, size, generator=torch.Generator().manual_seed(0))
    y = torch.tensor([0, 1, 2, 0])
    loss = torch.nn.functional.cross_entropy(network(x), y)
    loss.backward()
    assert all(p.grad is not None for p in network.parameters())
    last = x.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(network(last), network(x), rtol=1e-3, atol=1e-4)
    network(last).square().sum().backward()
    x_adv = PGD(steps=2)(network, x, y)
    assert 0 < float((x_adv - x).abs().max()) <= 8 / 255 + 1e-6
    wide = {"darts": 4, "arnas": 2}[space]
    assert network.linear.in_features == 4 * 2 * wide


def test_the_auxiliary_classifier():
    network = build_genotype_network(DARTS_V2, channels=2, cells=6, classes=3, auxiliary=True)
    x = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    logits, extra = network.both(x)
    assert logits.shape == extra.shape == (2, 3)
    assert build_genotype_network(DARTS_V2, channels=2, cells=6).both(x)[1] is None
    with pytest.raises(InvalidInputError, match="image_size: expected at least 5 with an auxil"):
        build_genotype_network(DARTS_V2, image_size=4, auxiliary=True)


@pytest.mark.parametrize("size", [5, 8, 12, 16, 32, 64])
def test_the_auxiliary_classifier_is_of_any_size_and_darts_own_at_32(size):
    network = build_genotype_network(
        DARTS_V2, channels=2, cells=3, classes=3, image_size=size, auxiliary=True
    )
    assert network.both(torch.rand(2, 3, size, size))[1].shape == (2, 3)
    if size == 32:
        pool = network.auxiliary[1]
        assert (pool.kernel_size, pool.stride) == (5, 3)


def test_dropped_paths_by_hand():
    # Every node reads the two inputs: by a pool, which can be dropped, and by the identity.
    inputs = (("avg_pool_3x3", 0), ("skip_connect", 1)) * 4
    cell = GenotypeCell(NodeCell(inputs), (1, 1, 2), (False, False)).eval()
    x = torch.rand(3, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    first, second = cell.preprocess_0(x), cell.preprocess_1(x)
    pooled = torch.nn.functional.avg_pool2d(first, 3, 1, 1, count_include_pad=False)
    paths = torch.zeros(8, 3)
    paths[2] = torch.tensor([0.0, 2.0, 4.0])  # of the second node's pool, image by image
    found = cell(x, x, paths)
    torch.testing.assert_close(found[:, :2], second)
    factors = torch.tensor([0.0, 2.0, 4.0])[:, None, None, None]
    torch.testing.assert_close(found[:, 2:4], second + factors * pooled)
    torch.testing.assert_close(cell(x, x, torch.ones(8, 3)), cell(x, x))


@pytest.mark.parametrize("name", ["none", *CELL_OPS])
@pytest.mark.parametrize("stride", [1, 2])
def test_shapes_of_ops(name, stride):
    op = make_op(name, 4, stride, affine=False, mixed=True)
    assert op(torch.ones(2, 4, 8, 8)).shape == (2, 4, 8 // stride, 8 // stride)


def test_a_factorized_reduction_reads_every_second_pixel_and_its_neighbour():
    block = FactorizedReduction(1, 2, affine=False).eval()
    for convolution in (block.even, block.odd):
        convolution.weight.data.fill_(1.0)
    x = torch.arange(1.0, 17.0).reshape(1, 1, 4, 4)
    found = block(x) * (1 + block.norm.eps) ** 0.5
    torch.testing.assert_close(found[0, 0], torch.tensor([[1.0, 3.0], [9.0, 11.0]]))
    torch.testing.assert_close(found[0, 1], torch.tensor([[6.0, 8.0], [14.0, 16.0]]))

"""Supernets of DARTS-type spaces."""

import pytest
import torch

from surrobust.certificates import check_bounded
from surrobust.differentiable.descent import calibrate
from surrobust.differentiable.dsrna import certified_term
from surrobust.differentiable.supernets import build_genotype_supernet
from surrobust.differentiable.supernets.base import PartialEdge, shuffle
from surrobust.errors import InvalidInputError
from surrobust.spaces import DARTS_SPACES


@pytest.mark.parametrize(("space", "roles"), [("darts", 2), ("arnas", 3)])
def test_shapes_and_roles(space, roles):
    network = build_genotype_supernet(space, channels=2, cells=4, classes=3)
    assert network.alphas.shape == (roles, 14, len(DARTS_SPACES[space].ops))
    assert set(network.places) == set(network.roles)
    x = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    logits = network(x)
    assert logits.shape == (2, 3)
    (gradient,) = torch.autograd.grad(logits[:, 0].sum(), [network.alphas])
    assert bool((gradient.flatten(1).norm(dim=1) > 0).all())


def test_derivation_by_hand():
    network = build_genotype_supernet("darts", channels=1, cells=3)
    ops = network.ops
    with torch.no_grad():
        network.alphas.zero_()
        network.alphas[..., ops.index("none")] = 9.0  # zeros do not count
        # Node 5 reads 0 to 4 by the edges 9 to 13: the strongest are from 1 and 4.
        network.alphas[0, 10, ops.index("sep_conv_5x5")] = 8.0
        network.alphas[0, 13, ops.index("dil_conv_3x3")] = 8.5
    cell = network.derive()["normal"]
    assert cell.inputs[6:] == (("sep_conv_5x5", 1), ("dil_conv_3x3", 4))
    assert cell.inputs[:2] == (("max_pool_3x3", 0), ("max_pool_3x3", 1))


@pytest.mark.parametrize(
    ("channels", "partial", "ranges"),
    [(1, None, "interval"), (4, 2, "interval"), (2, 2, "linear")],
)
def test_the_certified_bound_holds_through_every_op(channels, partial, ranges):
    generator = torch.Generator().manual_seed(1)
    sizes = {"channels": channels, "partial": partial, "cells": 3, "classes": 2}
    network = build_genotype_supernet("darts", **sizes, generator=generator).double()
    if partial is not None:
        with torch.no_grad():
            network.alphas.normal_(0, 0.5, generator=generator)
    x = torch.rand(2, 3, 8, 8, generator=generator).double()
    y = torch.tensor([0, 1])
    calibrate(network, x)
    network.eval()
    check_bounded(network, x[:1])
    for epsilon in (0.0, 1e-4):
        bound = certified_term(network, x, y, epsilon=epsilon, ranges=ranges).item()
        for _ in range(5):
            noise = torch.rand(x.shape, generator=generator).double() * 2 - 1
            logits = network((x + epsilon * noise.sign()).clamp(0, 1))
            margins = logits.gather(1, y[:, None]) - logits.gather(1, 1 - y[:, None])
            assert bound <= margins.mean().item() + 1e-9
        if epsilon == 0.0:
            assert bound == pytest.approx(margins.mean().item(), abs=1e-6)


def test_bad_sizes():
    with pytest.raises(InvalidInputError, match="cells: expected an integer of at least 4"):
        build_genotype_supernet("arnas", cells=3)
    with pytest.raises(InvalidInputError, match="space: expected one of darts, arnas"):
        build_genotype_supernet("other")


def test_channels_are_shuffled_by_hand():
    x = torch.arange(6.0).reshape(1, 6, 1, 1)
    assert shuffle(x, 3).flatten().tolist() == [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]


@pytest.mark.parametrize("stride", [1, 2])
def test_a_partial_edge_by_hand(stride):
    ops = ("skip_connect", "none", "avg_pool_3x3") if stride == 1 else ("none", "avg_pool_3x3")
    edge = PartialEdge(ops, 4, stride, partial=2).eval()
    x = torch.rand(2, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    weights = torch.tensor([0.5, 0.3, 0.2] if stride == 1 else [0.6, 0.4])
    scale = (1 + 1e-5) ** -0.5  # batch norm behind the pool, at its first statistics
    pooled = torch.nn.functional.avg_pool2d(x[:, :2], 3, stride, 1, count_include_pad=False) * scale
    mixed = 0.5 * x[:, :2] + 0.2 * pooled if stride == 1 else 0.4 * pooled
    past = x[:, 2:]
    if stride == 2:
        past = past.reshape(2, 2, 2, 2, 2, 2).amax((3, 5))
    by_hand = torch.stack([mixed[:, 0], past[:, 0], mixed[:, 1], past[:, 1]], dim=1)
    torch.testing.assert_close(edge(x, weights), by_hand)


def partial_supernet(**options):
    return build_genotype_supernet("darts", channels=4, cells=3, classes=2, partial=2, **options)


def test_edges_have_weights_where_channels_are_partial():
    network = partial_supernet()
    assert network.alphas.shape == (2, 14, 9)
    with torch.no_grad():
        network.alphas.zero_()
        network.alphas[0, :2, -1] = torch.tensor([3.0, 1.0]).log()
    weights = network.edge_weights()[0].tolist()
    assert weights == pytest.approx([3 / 4, 1 / 4, *[1 / 3] * 3, *[1 / 4] * 4, *[1 / 5] * 5])
    torch.testing.assert_close(network.probabilities().sum(-1), torch.ones(2, 14))
    whole = build_genotype_supernet("darts", channels=1, cells=3)
    assert whole.edge_weights().unique().tolist() == [1.0]
    x = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    (gradient,) = torch.autograd.grad(network(x)[:, 0].sum(), [network.alphas])
    assert bool((gradient[..., -1].abs().sum(-1) > 0).all())


def test_partial_derivation_by_hand():
    network = partial_supernet()
    ops = network.ops
    with torch.no_grad():
        network.alphas.zero_()
        # Node 5 by the edges 9 to 13. The ops alone would choose 1 and 4, the edges 0 and 2; the
        # products choose 1 and 2, whose ops are as strong as others.
        network.alphas[0, 10, ops.index("sep_conv_5x5")] = 2.0
        network.alphas[0, 13, ops.index("dil_conv_3x3")] = 2.5
        network.alphas[0, 9:14, -1] = torch.tensor([1.2, 1.0, 3.0, 0.0, -3.0])
    weights = network.probabilities()[0, 9:14].max(-1).values * network.edge_weights()[0, 9:14]
    assert weights.sort(descending=True).indices[:2].tolist() == [2, 1]
    assert network.probabilities()[0, 9:14].max(-1).values.argmax() == 4
    assert network.derive()["normal"].inputs[6:] == (("sep_conv_5x5", 1), ("max_pool_3x3", 2))


def test_bad_partial_channels():
    with pytest.raises(InvalidInputError, match="channels: expected a multiple of 4 as channels"):
        build_genotype_supernet("darts", channels=6, partial=4)
    with pytest.raises(InvalidInputError, match="partial: expected an integer of at least 2"):
        build_genotype_supernet("darts", channels=6, partial=1)

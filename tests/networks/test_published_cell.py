"""Cells beside the published definition, wherever zeros cut something off.

The definition: every edge of every node is computed, whatever it reads; ``none`` gives zeros; a
node is the sum of the edges into it (Dong & Yang, ICLR 2020, section 2.1 and the authors' code).
"""

import itertools
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from surrobust.networks import FoldedNetwork, build_network
from surrobust.networks.cell import Cell, computed_edges, has_offsets
from surrobust.networks.network import CellNetwork
from surrobust.spaces import EDGES, Architecture, NASBench201, count_parameters
from surrobust.training.steps import MomentumSGD

SIZES = {"channels": 4, "cells": 2, "classes": 3, "image_size": 8}
CODES = ("043424", "033113", "300002", "002002", "313000", "300103", "000012", "404002", "000000")
NONE, SKIP, POOL = 0, 1, 4
PASSES, CONVOLUTIONS = (SKIP, POOL), (2, 3)


def kinds() -> list[Architecture]:
    """Every way of zeros, convolutions and what has no weights on six edges, 729 in all."""
    found = []
    for number, kind in enumerate(itertools.product("zpc", repeat=len(EDGES))):
        chosen = {"z": [NONE], "p": PASSES, "c": CONVOLUTIONS}
        turned = ((edge, chosen[one]) for edge, one in enumerate(kind))
        found.append(Architecture(tuple(ops[(number + e) % len(ops)] for e, ops in turned)))
    return found


class Parts(NamedTuple):
    """What a convolution edge has, as tensors of our own."""

    kernel: Tensor
    scale: Tensor
    offset: Tensor
    mean: Tensor
    variance: Tensor


def parts_of(block: nn.Module) -> Parts:
    """Copy the numbers of an edge, so that nothing is shared."""
    norm = block.norm
    learnt = (block.convolution.weight, norm.weight, norm.bias)
    followed = (norm.running_mean, norm.running_var)
    leaves = [tensor.detach().clone().requires_grad_() for tensor in learnt]
    return Parts(*leaves, *(tensor.detach().clone() for tensor in followed))


def average(value: Tensor) -> Tensor:
    """The mean of each 3x3 window over the pixels that are there."""
    padded = functional.pad(value, [1] * 4)
    there = functional.pad(torch.ones_like(value), [1] * 4)
    windows = [
        [part[:, :, i : i + value.shape[2], j : j + value.shape[3]] for part in (padded, there)]
        for i, j in itertools.product(range(3), repeat=2)
    ]
    return sum(part for part, _ in windows) / sum(count for _, count in windows)


def publish(
    ops: tuple[int, ...], parts: dict[tuple[int, int], Parts], x: Tensor, *, training: bool
) -> Tensor:
    """Return the last node of a cell, and let the statistics follow where it is in training."""
    nodes = [x]
    for node in (1, 2, 3):
        terms = []
        for edge, op in zip(EDGES, ops, strict=True):
            if edge[1] != node:
                continue
            value = nodes[edge[0]]
            if op == NONE:
                value = value * 0
            elif op == POOL:
                value = average(value)
            elif op in CONVOLUTIONS:
                own = parts[edge]
                value = functional.conv2d(
                    value.relu(), own.kernel, padding=own.kernel.shape[-1] // 2
                )
                axes = (0, 2, 3)
                mean, variance = own.mean, own.variance
                if training:
                    count = value.numel() // value.shape[1]
                    mean, variance = value.mean(axes), value.var(axes, unbiased=False)
                    unbiased = variance.detach() * count / (count - 1)
                    own.mean.mul_(0.9).add_(0.1 * mean.detach())
                    own.variance.mul_(0.9).add_(0.1 * unbiased)
                centred = value - mean[:, None, None]
                value = centred / (variance + 1e-5).sqrt()[:, None, None]
                value = value * own.scale[:, None, None] + own.offset[:, None, None]
            terms.append(value)
        nodes.append(sum(terms))
    return nodes[-1]


def make_by_hand(network: nn.Module, seed: int = 0) -> nn.Module:
    """Give every batch norm a scale, an offset and statistics that are not those it begins with."""
    generator = torch.Generator().manual_seed(seed)
    network.double()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                for tensor in (module.weight, module.bias, module.running_mean):
                    tensor.normal_(generator=generator)
                module.running_var.uniform_(0.5, 2, generator=generator)
            elif isinstance(module, nn.Conv2d):
                module.weight.normal_(generator=generator)
    return network


def blocks_of(cell: nn.Module) -> dict[tuple[int, int], nn.Module]:
    return {
        edge: cell.get_submodule(f"edge_{edge[0]}{edge[1]}")
        for edge, op in zip(EDGES, cell.ops, strict=True)
        if op in CONVOLUTIONS
    }


def check_gradients(block: nn.Module, own: Parts, *, training: bool) -> None:
    """Check an edge's gradients; in training they are there, be they zero."""
    ours = (block.convolution.weight, block.norm.weight, block.norm.bias)
    for parameter, expected in zip(ours, own[:3], strict=True):
        assert expected.grad is not None  # every edge is part of the published network
        if parameter.grad is None:
            assert not training
            assert not expected.grad.any()
        else:
            torch.testing.assert_close(parameter.grad, expected.grad)


@pytest.mark.parametrize("training", [True, False])
def test_outputs_statistics_and_gradients_are_the_published_ones(training):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn((2, 2, 4, 4), generator=generator, dtype=torch.float64)
    weights = torch.randn((2, 2, 4, 4), generator=generator, dtype=torch.float64)
    cut_off = 0
    for number, architecture in enumerate(kinds()):
        cell = make_by_hand(Cell(architecture, 2), number).train(training)
        blocks = blocks_of(cell)
        parts = {edge: parts_of(block) for edge, block in blocks.items()}
        cut_off += has_offsets(architecture)
        pixels = [x.clone().requires_grad_() for _ in range(2)]
        found = cell(pixels[0])
        expected = publish(cell.ops, parts, pixels[1], training=training)
        torch.testing.assert_close(found, expected, msg=architecture.code)
        for value in (found, expected):
            (value * weights).sum().backward()
        torch.testing.assert_close(pixels[0].grad, pixels[1].grad)
        for edge, own in parts.items():
            check_gradients(blocks[edge], own, training=training)
            norm = blocks[edge].norm
            torch.testing.assert_close(norm.running_mean, own.mean)
            torch.testing.assert_close(norm.running_var, own.variance)
    assert cut_off > 80  # of 729


def publish_network(network: CellNetwork, x: Tensor) -> Tensor:
    """Return the logits with every cell by the definition, in evaluation or training."""
    x = network.stem(network.normalise(x))
    for name, stage in network.named_children():
        if name.startswith("reduction"):
            x = stage(x)
        elif name.startswith("stage"):
            for cell in stage:
                parts = {edge: parts_of(block) for edge, block in blocks_of(cell).items()}
                x = publish(cell.ops, parts, x, training=network.training)
    return network.head(x)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("training", [True, False])
def test_logits_are_the_published_ones(code, training):
    network = make_by_hand(build_network(Architecture.parse(code), **SIZES)).train(training)
    x = torch.rand((3, 3, 8, 8), generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    with torch.no_grad():
        expected = publish_network(network, x)
        torch.testing.assert_close(network(x), expected)
        if not training:
            torch.testing.assert_close(FoldedNetwork(network)(x), expected)


def test_an_offset_by_hand():
    """Of zeros, batch norm gives its offset in training; in evaluation less what it has seen."""
    cell = Cell(Architecture.parse("000002"), 1)
    norm = cell.edge_23.norm
    with torch.no_grad():
        norm.weight.fill_(2), norm.bias.fill_(0.5)
        norm.running_mean.fill_(3), norm.running_var.fill_(4 - 1e-5)
    x = torch.rand((2, 1, 4, 4), generator=torch.Generator().manual_seed(0))
    assert cell.eval()(x).unique().tolist() == pytest.approx([0.5 - 3 * 2 / 2])
    assert cell.train()(x).unique().tolist() == [0.5]
    assert float(norm.running_mean) == pytest.approx(0.9 * 3)
    assert float(norm.running_var) == pytest.approx(0.9 * 4, rel=1e-5)


def test_a_step_learns_offsets_and_shrinks_what_nothing_reads():
    """One step of SGD, rate .5 and decay .1, on ``300102``: 0->1 is not read, 2->3 reads zeros."""
    network = build_network(Architecture.parse("300102"), **SIZES)
    cell = network.stage_1.cell_1
    before = {name: parameter.detach().clone() for name, parameter in cell.named_parameters()}
    optimizer = MomentumSGD(network.parameters(), weight_decay=0.1)
    x = torch.rand((2, 3, 8, 8), generator=torch.Generator().manual_seed(0))
    (network(x) * torch.tensor([1.0, -2.0, 3.0])).sum().backward()
    gradient = cell.edge_23.norm.bias.grad.clone()
    assert gradient.abs().max() > 0
    optimizer.step(torch.tensor([0.5, 0.0]))
    for name, parameter in cell.named_parameters():
        expected = before[name] * (1 - 0.5 * 0.1)
        if name == "edge_23.norm.bias":
            expected = expected - 0.5 * gradient
        torch.testing.assert_close(parameter.detach(), expected)


def test_what_is_computed_of_cells_with_zeros():
    """``300103``: 0->1 is not read, 2->3 reads zeros, 0->3 passes."""
    ops = Architecture.parse("300103").ops
    assert computed_edges(ops, learning=True) == (0, 3, 5)
    assert computed_edges(ops, learning=False) == (3, 5)
    # Node 1 is zero, node 2 the offset of 1->2: what reads the latter is computed.
    assert computed_edges((0, 0, 2, 0, 1, 4), learning=False) == (2, 5)


def test_offsets_are_in_as_many_cells_as_was_counted():
    cells = [cell for cell in NASBench201() if has_offsets(cell)]
    assert len(cells) == 2140
    assert sum(cell == cell.representative for cell in cells) == 156


@pytest.mark.parametrize("code", CODES)
def test_parameters_are_counted_with_what_is_cut_off(code):
    network = build_network(Architecture.parse(code), **SIZES)
    found = sum(parameter.numel() for parameter in network.parameters())
    sizes = {name: size for name, size in SIZES.items() if name != "image_size"}
    assert found == count_parameters(Architecture.parse(code), **sizes)

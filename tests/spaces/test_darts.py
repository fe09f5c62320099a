"""Genotypes of DARTS-type spaces: written, read, drawn, refused."""

import json
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surrobust.errors import InvalidArchitectureError
from surrobust.spaces import (
    DARTS_SPACES,
    Architecture,
    Genotype,
    NodeCell,
    draw_genotype,
    parse_any,
)
from surrobust.spaces.darts import CELL_OPS, edges_of_cell

# Liu, Simonyan & Yang (ICLR 2019), figures 4 and 5, as their code writes it.
DARTS_V2 = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), "
    "('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), "
    "('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), "
    "('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], "
    "reduce_concat=[2, 3, 4, 5])"
)


def test_the_published_text():
    genotype = Genotype.parse(DARTS_V2)
    assert genotype.space == "darts"
    assert genotype["normal"].inputs[5] == ("skip_connect", 0)
    assert genotype.text == DARTS_V2.replace("[2, 3, 4, 5]", "range(2, 6)")


@settings(max_examples=30, deadline=None, derandomize=True)
@given(name=st.sampled_from(sorted(DARTS_SPACES)), seed=st.integers(0, 10**6))
def test_text_and_json_are_each_others_inverse(name, seed):
    (genotype,) = DARTS_SPACES[name].sample(1, seed=seed)
    assert Genotype.parse(genotype.text) == genotype
    assert Genotype.parse(json.loads(json.dumps(genotype.to_document()))) == genotype
    assert Genotype.parse(genotype) is genotype


def test_sizes():
    # Four nodes choose 1, 3, 6, 10 pairs of inputs, 7 ops each (DARTS, section 3.1 without zeros).
    assert DARTS_SPACES["darts"].size == (180 * 7**8) ** 2
    assert DARTS_SPACES["arnas"].size == (180 * 7**8) ** 3
    assert len(edges_of_cell()) == 14
    assert "none" not in DARTS_SPACES["arnas"].ops
    assert len(DARTS_SPACES["darts"].ops) == 8


def test_samples_differ_and_follow_the_seed():
    space = DARTS_SPACES["arnas"]
    first, again, other = (space.sample(5, seed=s) for s in (1, 1, 2))
    assert first == again != other
    assert len(set(first)) == 5


def test_the_drawing_has_every_op():
    (genotype,) = DARTS_SPACES["arnas"].sample(1, seed=0)
    root = ElementTree.fromstring(draw_genotype(genotype))
    shown = [e.text for e in root.iter("{http://www.w3.org/2000/svg}text")]
    for role, cell in genotype.cells:
        assert role in shown
        for op, _ in cell.inputs:
            assert op in shown
    assert sum(text in CELL_OPS for text in shown) == 24


def test_the_index_tells_genotypes_apart_but_not_the_order_of_inputs():
    space = DARTS_SPACES["darts"]
    genotype = Genotype.parse(DARTS_V2)
    assert 0 <= genotype.index < space.size
    turned = list(genotype["normal"].inputs)
    turned[4], turned[5] = turned[5], turned[4]
    cells = (("normal", NodeCell(tuple(turned))), genotype.cells[1])
    assert Genotype("darts", cells).index == genotype.index
    drawn = space.sample(200, seed=0)
    assert len({g.index for g in drawn}) == len(set(drawn))
    last = ("dil_conv_5x5", 3), ("dil_conv_5x5", 4)
    inputs = [(CELL_OPS[-1], s) for node in range(2, 6) for s in (node - 2, node - 1)]
    assert inputs[6:] == list(last)
    top = NodeCell(tuple(inputs))
    assert Genotype("darts", (("normal", top), ("reduce", top))).index == space.size - 1
    assert genotype.code == f"darts-{genotype.index}"


def test_architectures_of_either_kind():
    genotype = Genotype.parse(DARTS_V2)
    assert parse_any(DARTS_V2) == parse_any(genotype.to_document()) == parse_any(genotype)
    assert parse_any("323133") == Architecture.parse("323133")
    assert parse_any({"architecture": 2581}) == Architecture.parse(2581)


CELL = [("skip_connect", 0), ("skip_connect", 1)] * 4


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("323133", r"expected Genotype\(normal="),
        ("Genotype(normal=", r"expected Genotype\(normal="),
        ("__import__('os').getcwd()", r"expected Genotype\(normal="),
        ("Genotype(normal=__import__('os'))", r"expected Genotype\(normal="),
        (f"Genotype(normal={CELL})", "expected the cells normal, reduce or accurate"),
        (f"Genotype(normal={CELL}, normal_concat=range(3, 6))", r"expected range\(2, 6\)"),
        (f"Genotype(normal={CELL}, reduce={CELL[:7]})", "expected eight pairs"),
        ({"cells": {"normal": CELL, "reduce": "x"}}, "expected eight pairs"),
        ({"space": "arnas", "cells": {"normal": CELL, "reduce": CELL}}, "expected space darts"),
        ({"genotype": 3}, 'expected an object with "cells"'),
        (7, "expected a text"),
    ],
)
def test_what_is_no_genotype_is_refused(value, message):
    with pytest.raises(InvalidArchitectureError, match=message):
        Genotype.parse(value)


@pytest.mark.parametrize(
    ("position", "pair", "message"),
    [
        (0, ("none", 0), r"expected \(op, source\) of an op"),
        (1, ("skip_connect", 2), "expected a source 0..1 for node 2"),
        (7, ("skip_connect", -1), "expected a source 0..4 for node 5"),
        (3, ("skip_connect", 0), "expected two sources for node 3"),
        (2, ("skip_connect", True), "expected a source"),
    ],
)
def test_what_is_no_cell_is_refused(position, pair, message):
    inputs = list(CELL)
    inputs[position] = pair
    with pytest.raises(InvalidArchitectureError, match=message):
        NodeCell(tuple(inputs))

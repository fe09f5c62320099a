"""Features of what a cell computes, by hand for a few cells and against a slow reference."""

import itertools

import numpy as np
import pytest

from surrobust.encodings import FunctionFeatureEncoder, twin_groups
from surrobust.encodings.function_features import GROUPS, find_forms
from surrobust.encodings.linear_forms import linear_forms
from surrobust.encodings.signal_propagation import MAP_SIZE, frequencies
from surrobust.spaces import Architecture, NASBench201, find_representatives, known_cells

ENCODER = FunctionFeatureEncoder()


def features(code: str) -> dict[str, float]:
    row = ENCODER.encode([Architecture.parse(code)])[0]
    return dict(zip(ENCODER.names, row.tolist(), strict=True))


def test_a_cell_that_computes_nothing_has_only_zeros_and_says_so():
    found = features("000000")
    assert found.pop("computes nothing") == 1
    assert set(found.values()) == {0}


def test_one_convolution_by_hand():
    found = features("000300")  # node 3 = conv3x3(x)
    assert found["conv3x3s"] == found["convs"] == 1
    assert found["conv1x1s"] == 0
    assert found["log weights"] == pytest.approx(np.log(10))
    assert found["paths"] == 1
    assert found["most conv3x3s along a path"] == found["least conv3x3s along a path"] == 1
    assert found["x pooled 0 times into conv3x3"] == 1
    assert found["conv3x3 pooled 0 times into the output"] == 1
    assert found["x pooled 0 times into the output"] == 0
    assert found["shortest path without conv3x3"] == 5  # there is none
    assert found["mean reach"] == 1
    # Batch norm: unit variance after the cell; nothing of the input is left.
    assert found["log variance after cell 1"] == pytest.approx(0, abs=1e-9)
    assert found["conv3x3s per cell met by the signal up to stage 3"] == pytest.approx(1)


def test_identity_and_a_pool_by_hand():
    found = features("100140")  # node 1 = x, node 3 = x + pool(x)
    assert found["paths"] == 2
    assert found["identity paths"] == 1
    assert found["x pooled 0 times into the output"] == 1
    assert found["x pooled 1 times into the output"] == 1
    assert found["share of the input after stage 3"] == pytest.approx(1)
    # Amplitudes add: at frequency zero the pool changes nothing, so the gain in power is 4.
    alone, both = features("000100"), found
    at_zero = "share at zero frequency after cell 1"
    power = np.exp(both["log variance after cell 1"] - alone["log variance after cell 1"])
    assert both[at_zero] * power == pytest.approx(4 * alone[at_zero])


def test_a_shared_convolution_is_told_from_two_separate_ones():
    # conv3x3(x) + pool(conv3x3(x)), by one convolution used twice or by two
    once, twice = Architecture.parse("301041"), Architecture.parse("302340")
    assert once.function_class == twice.function_class
    assert once.representative == once
    assert twice.representative == twice
    assert features(once.code)["conv3x3s"] == 1
    assert features(twice.code)["conv3x3s"] == 2


def slow_linear_form(ops: tuple[int, ...]) -> dict[tuple[int, int], int]:
    """The output as {(pools, atom): coefficient}, by recursion."""
    nodes: list[dict[tuple[int, int], int]] = [{(0, 0): 1}, {}, {}, {}]
    edges = [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)]
    for target in (1, 2, 3):
        for number, ((source, end), op) in enumerate(zip(edges, ops, strict=True)):
            if end != target or op == 0 or not nodes[source]:
                continue
            new = {(0, number + 1): 1}
            if op in (1, 4):
                new = {(k + (op == 4), atom): c for (k, atom), c in nodes[source].items()}
            for key, count in new.items():
                nodes[target][key] = nodes[target].get(key, 0) + count
    return nodes[3]


def test_linear_forms_are_those_of_a_recursion():
    cells = [NASBench201()[i] for i in range(0, 15625, 97)]
    forms = linear_forms(np.array([cell.ops for cell in cells]))
    for i, cell in enumerate(cells):
        expected = np.zeros((4, 7))
        for (power, atom), count in slow_linear_form(cell.ops).items():
            expected[power, atom] = count
        np.testing.assert_array_equal(forms.coefficients[3, i], expected)


def test_fifteen_frequencies_stand_for_all():
    at = frequencies()
    assert at.weight.sum() == MAP_SIZE**2
    np.testing.assert_allclose(at.to_space @ at.to_space / MAP_SIZE**2, np.eye(15), atol=1e-12)
    spectrum = np.random.default_rng(0).random(15)
    steps = [(a, b) for a in range(5) for b in range(5) if a <= b]
    full = np.empty((8, 8))
    for (i, j), value in zip(steps, spectrum, strict=True):
        for x, y in itertools.product((i, -i), (j, -j)):
            full[x, y] = full[y, x] = value
    space = np.fft.fft2(full).real
    np.testing.assert_allclose(at.to_space @ spectrum, [space[s] for s in steps], atol=1e-12)


def test_groups_name_every_column_once():
    names = [name for group in GROUPS.values() for name in group]
    assert tuple(names) == ENCODER.names
    assert len(names) == 114


def test_twin_groups_hold_function_classes_and_equal_features_together(space):
    cells = list(space)[::5]
    groups = twin_groups(cells)
    by_class: dict[str, set[int]] = {}
    for cell, group in zip(cells, groups.tolist(), strict=True):
        by_class.setdefault(cell.function_class, set()).add(group)
    assert all(len(found) == 1 for found in by_class.values())
    # A pool of a sum is the sum of the pools: pool(x + conv(x)) = pool(x) + pool(conv(x)).
    pooled_sum = Architecture.parse("311004")  # node 2 = x + conv, node 3 = pool(node 2)
    sum_of_pools = Architecture.parse("300440")  # node 3 = pool(x) + pool(conv)
    assert pooled_sum.function_class != sum_of_pools.function_class
    assert len(set(twin_groups([pooled_sum, sum_of_pools]).tolist())) == 1


def test_the_table_of_alike_cells_is_what_is_worked_out():
    representatives, forms = known_cells()
    assert representatives == find_representatives()
    assert forms == find_forms()

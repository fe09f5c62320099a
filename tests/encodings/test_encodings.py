"""Every encoder: shapes, names, cells that compute the same get the same row."""

import itertools

import numpy as np
import pytest

from surrobust.encodings import ENCODINGS
from surrobust.spaces import EDGES, OPS, Architecture, NASBench201

CELLS = [NASBench201()[i] for i in range(0, 15625, 53)]


@pytest.mark.parametrize("name", ENCODINGS)
def test_one_finite_row_per_cell_in_any_order(name):
    encoder = ENCODINGS[name]()
    rows = encoder.encode(CELLS)
    assert rows.shape == (len(CELLS), len(encoder.names))
    assert rows.dtype == np.float64
    assert np.isfinite(rows).all()
    assert len(set(encoder.names)) == len(encoder.names)
    np.testing.assert_array_equal(ENCODINGS[name]().encode(CELLS[::-1])[::-1], rows)
    assert encoder.encode([]).shape == (0, len(encoder.names))


@pytest.mark.parametrize("name", ENCODINGS)
def test_equal_keys_have_equal_rows_over_the_whole_space(name, space):
    encoder, cells = ENCODINGS[name](), list(space)
    rows = encoder.encode(cells)
    first: dict[object, int] = {}
    places = [first.setdefault(encoder.key(cell), i) for i, cell in enumerate(cells)]
    np.testing.assert_array_equal(rows, rows[places])


@pytest.mark.parametrize("name", ["paths", "features"])
def test_isomorphic_cells_have_equal_rows(name, space):
    cells = list(space)[::7]
    encoder = ENCODINGS[name]()
    np.testing.assert_array_equal(
        encoder.encode(cells), encoder.encode([cell.representative for cell in cells])
    )


def test_one_hot_is_the_code(space):
    cell = Architecture.parse("323133")
    row = ENCODINGS["one_hot"]().encode([cell])[0]
    names = ENCODINGS["one_hot"]().names
    assert [names[i] for i in np.flatnonzero(row)] == [
        f"{a}->{b} {OPS[op]}" for (a, b), op in zip(EDGES, cell.ops, strict=True)
    ]
    rows = ENCODINGS["one_hot"]().encode(list(space))
    assert len(np.unique(rows, axis=0)) == 15625


def walk(cell: Architecture) -> list[str]:
    """The ops on every way from node 0 to node 3, found by walking the graph."""
    names = {2: "conv1x1", 3: "conv3x3", 4: "pool"}
    edge = dict(zip(EDGES, cell.ops, strict=True))
    found = []
    for between in itertools.chain.from_iterable(
        itertools.combinations((1, 2), k) for k in range(3)
    ):
        nodes = (0, *between, 3)
        ops = [edge[step] for step in itertools.pairwise(nodes)]
        if 0 not in ops:
            found.append(">".join(names[op] for op in ops if op != 1) or "identity")
    return found


def test_paths_are_those_of_a_walk_through_the_graph():
    encoder = ENCODINGS["paths"]()
    rows = encoder.encode(CELLS)
    for cell, row in zip(CELLS, rows, strict=True):
        ways = walk(cell)
        expected = [ways.count(name) for name in encoder.names]
        assert row.tolist() == expected, cell.code

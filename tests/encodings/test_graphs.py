import numpy as np
import pytest

from surrobust.encodings.graphs import MAX_NODES, NODE_KINDS, cell_graph, pack_graphs, to_data
from surrobust.spaces import Architecture, NASBench201


def test_hand_drawn_cell():
    # node 1 = conv3x3(x); node 2 = x + conv1x1(node 1); output = pool(node 2) + node 1 + x
    cell = Architecture.parse("312114")
    graph = cell_graph(cell)
    kinds = [NODE_KINDS[kind] for kind in graph.kinds]
    assert kinds == ["input", "conv3x3", "conv1x1", "pool", "output"]
    assert graph.edges == (
        (0, 1, 1),
        (0, 3, 1),
        (0, 4, 1),
        (1, 2, 1),
        (1, 4, 1),
        (2, 3, 1),
        (3, 4, 1),
    )


def test_a_term_summed_twice_is_one_node_whose_edge_counts_two():
    # output = x + conv3x3(x) + conv3x3(x): a skip, a convolution by way of node 1, another directly
    graph = cell_graph(Architecture.parse("310310"))
    assert graph.edges == ((0, 1, 1), (1, 2, 2))
    graph = cell_graph(Architecture.parse("300310"))
    assert graph.edges == ((0, 1, 1), (1, 2, 2))


@pytest.mark.parametrize("code", ["000000", "333000", "000040"])
def test_the_empty_function_is_an_unconnected_input_and_output(code):
    graph = cell_graph(Architecture.parse(code))
    assert graph.kinds == (0, 4)
    assert graph.edges == ()


def test_graphs_are_equal_exactly_where_the_functions_are(space: NASBench201):
    cells = [space[i] for i in range(len(space))]
    kinds, counts = pack_graphs(cells)
    keys = [k.tobytes() + c.tobytes() for k, c in zip(kinds, counts, strict=True)]
    forms = [cell.function_class for cell in cells]
    assert len(set(zip(keys, forms, strict=True))) == len(set(keys)) == len(set(forms)) == 4930


def test_packed_graphs_are_topologically_ordered(space: NASBench201):
    kinds, counts = pack_graphs(space.sample(500, seed=0))
    assert kinds.shape == (500, MAX_NODES)
    assert counts.shape == (500, MAX_NODES, MAX_NODES)
    assert (np.tril(counts) == 0).all()
    assert (kinds[:, 0] == 0).all()
    assert ((kinds == 4).sum(axis=1) == 1).all()
    padding = kinds < 0
    assert counts.sum(axis=1)[padding].sum() == counts.sum(axis=2)[padding].sum() == 0


def test_torch_geometric_data():
    data = to_data(Architecture.parse("300310"))
    assert data.x.tolist() == [[1, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 1]]
    assert data.edge_index.tolist() == [[0, 1], [1, 2]]
    assert data.edge_weight.tolist() == [1, 2]
    empty = to_data(Architecture.parse("000000"))
    assert empty.edge_index.shape == (2, 0)
    assert empty.validate()

"""How peers see a cell: its paths, its labelled subtrees."""

from collections import Counter

import numpy as np
import pytest

from surrobust.benchmark.peers.gaussian_processes import path_rows
from surrobust.benchmark.peers.weisfeiler_lehman import count_labels, graph_of, label_counts
from surrobust.spaces import Architecture

INPUT, OUTPUT = -1, -2


def test_the_path_encoding_marks_the_four_ways():
    # Ways of 234012: 0; 2, 1; 3, 2; 2, 4, 2; numbers are little-endian to base 5.
    cell = Architecture.parse("234012")
    row = path_rows()[cell.index]
    marked = [0, 5 + 2 + 5 * 1, 5 + 3 + 5 * 2, 30 + 2 + 5 * 4 + 25 * 2]
    assert np.flatnonzero(row).tolist() == sorted(marked)
    assert path_rows().shape == (15625, 155)
    assert len(np.unique(path_rows(), axis=0)) == 15625


@pytest.mark.parametrize(
    ("code", "graph"),
    [
        # 0->1 and 1->3 are convolutions, all else zero: a chain.
        ("300020", {INPUT: (0,), 0: (4,), 4: (OUTPUT,), OUTPUT: ()}),
        # 0->1 is a skip, 1->3 a pool, 0->3 a skip: the input reads on in both.
        ("100140", {INPUT: (OUTPUT, 4), 4: (OUTPUT,), OUTPUT: ()}),
        # 0->1 and 1->2 and 2->3 are skips.
        ("101001", {INPUT: (OUTPUT,), OUTPUT: ()}),
        # Node 2 is read by nothing, node 1 reads nothing.
        ("032320", {INPUT: (3,), 3: (OUTPUT,), OUTPUT: ()}),
        ("000000", {INPUT: (), OUTPUT: ()}),
    ],
)
def test_the_graph_has_ops_as_nodes(code: str, graph: dict[int, tuple[int, ...]]):
    assert graph_of(Architecture.parse(code)) == graph


def test_subtrees_are_counted_by_hand():
    out, conv = OUTPUT, "op 3"
    first = (conv, (out,)), (INPUT, (conv,)), (out, ())
    assert count_labels(Architecture.parse("000300"), 1) == Counter([INPUT, out, conv, *first])


def test_kernel_is_that_of_grakel():
    grakel = pytest.importorskip("grakel", reason="grakel is not installed")
    cells = [Architecture.parse(code) for code in ("323133", "234012", "333333", "101001")]
    graphs = []
    for cell in cells:
        graph = graph_of(cell)
        names = {n: str(n) if n < 0 else f"op {cell.ops[n]}" for n in graph}
        edges = {n: dict.fromkeys(following, 1.0) for n, following in graph.items()}
        graphs.append(grakel.Graph(edges, node_labels=names))
    kernel = grakel.WeisfeilerLehman(n_iter=2, base_graph_kernel=grakel.VertexHistogram)
    counts = label_counts(2)[[cell.index for cell in cells]]
    np.testing.assert_allclose((counts @ counts.T).toarray(), kernel.fit_transform(graphs))

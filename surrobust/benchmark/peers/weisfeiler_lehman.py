"""Labelled subtrees of cells, counted as Weisfeiler and Lehman relabel a graph."""

from collections import Counter
from functools import cache

import numpy as np
from scipy.sparse import csr_array

from ...spaces import EDGES, Architecture, NASBench201
from ...typing import FloatArray

_NONE, _SKIP = 0, 1
_INPUT, _OUTPUT = -1, -2
_LAST = 3

Graph = dict[int, tuple[int, ...]]
"""By node, edges of the cell and ``_INPUT`` and ``_OUTPUT``, the nodes that read it."""


def graph_of(cell: Architecture) -> Graph:
    """Return a cell with its ops as nodes: zeros dropped, skips dissolved, the rest reads on.

    As in the authors' ``create_nasbench201_graph``, what the input does not reach or what does not
    reach the output is dropped. Unlike there, a chain of two skips still connects.
    """
    readers: dict[int, frozenset[int]] = {_LAST: frozenset({_OUTPUT})}
    # Backwards, as what reads a node by a skip is what reads the node behind it.
    for node in range(_LAST - 1, -1, -1):
        found: set[int] = set()
        for edge, (source, target) in enumerate(EDGES):
            if source == node and cell.ops[edge] == _SKIP:
                found |= readers[target]
            elif source == node and cell.ops[edge] != _NONE and readers[target]:
                found.add(edge)
        readers[node] = frozenset(found)
    graph: Graph = {}
    waiting = [(_INPUT, readers[0])]
    while waiting:
        node, following = waiting.pop()
        graph[node] = tuple(sorted(following))
        waiting += [
            (edge, readers[EDGES[edge][1]])
            for edge in following
            # What is shared is one node.
            if edge != _OUTPUT and edge not in graph
        ]
    return graph | {_OUTPUT: ()}


def count_labels(cell: Architecture, depth: int) -> Counter[object]:
    """Return how often each labelled subtree of up to ``depth`` steps occurs in a cell."""
    graph = graph_of(cell)
    labels: dict[int, object] = {
        node: node if node < 0 else f"op {cell.ops[node]}" for node in graph
    }
    counts = Counter(labels.values())
    for _ in range(depth):
        labels = {
            # Sorted: subtrees have no order. By their text, as nested
            # tuples and numbers do not compare.
            node: (labels[node], tuple(sorted((labels[n] for n in following), key=repr)))
            for node, following in graph.items()
        }
        counts.update(labels.values())
    return counts


@cache
def label_counts(depth: int) -> csr_array:
    """Return the counts of all 15625 cells by index, one column a subtree."""
    columns: dict[object, int] = {}
    entries: list[tuple[int, int, int]] = []
    for row, cell in enumerate(NASBench201()):
        for label, count in count_labels(cell, depth).items():
            entries.append((row, columns.setdefault(label, len(columns)), count))
    rows, places, counts = np.array(entries).T
    shape = (len(NASBench201()), len(columns))
    return csr_array((counts.astype(np.float64), (rows, places)), shape=shape)


@cache
def label_lengths(depth: int) -> FloatArray:
    """Return the Euclidean length of each row of :func:`label_counts`, ``(15625,)``."""
    return np.sqrt(label_counts(depth).power(2).sum(axis=1))

"""The graph of what a cell computes: one node per distinct term, edges along the data flow.

The graph is drawn from the function form (zeros dropped, skips dissolved, sums flattened), so cells
of one function class have the same graph, node by node.
"""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from ..spaces import Architecture
from ..typing import FloatArray, IntArray

if TYPE_CHECKING:
    from torch_geometric.data import Data

NODE_KINDS = ("input", "conv1x1", "conv3x3", "pool", "output")
"""What a node may be; a node's kind is the position here."""

MAX_NODES = 8
"""Input, output, and at most one term for each of the six edges."""

_INPUT, _OUTPUT = 0, len(NODE_KINDS) - 1


@dataclass(frozen=True, slots=True)
class CellGraph:
    """The directed acyclic graph of a cell.

    Nodes are in topological order: the input first, the output last, and between them the distinct
    terms by depth and then by text. A term that is summed twice is one node whose edge counts two.

    Args:
        kinds: For each node its position in ``NODE_KINDS``.
        edges: ``(source, target, count)`` for each edge, sorted; ``source < target``.
    """

    kinds: tuple[int, ...]
    edges: tuple[tuple[int, int, int], ...]


def cell_graph(architecture: Architecture) -> CellGraph:
    """Return the graph of what a cell computes.

    A cell that computes nothing has an input and an output with no edge between them.
    """
    return _graph_of(architecture.function_class)


def pack_graphs(architectures: Sequence[Architecture]) -> tuple[IntArray, FloatArray]:
    """Return the graphs of cells as two arrays of fixed width.

    Args:
        architectures: The n cells.

    Returns:
        Kinds ``(n, MAX_NODES)``, -1 where a graph has fewer nodes; and edge counts
        ``(n, MAX_NODES, MAX_NODES)`` from source (axis 1) to target (axis 2).
    """
    kinds = np.full((len(architectures), MAX_NODES), -1, dtype=np.int64)
    counts = np.zeros((len(architectures), MAX_NODES, MAX_NODES))
    for row, architecture in enumerate(architectures):
        graph = cell_graph(architecture)
        kinds[row, : len(graph.kinds)] = graph.kinds
        for source, target, count in graph.edges:
            counts[row, source, target] = count
    return kinds, counts


def to_data(architecture: Architecture) -> "Data":
    """Return the graph of a cell for torch-geometric.

    Returns:
        ``x`` (nodes, kinds) one-hot float32, ``edge_index`` (2, edges) int64, ``edge_weight``
        (edges,) float32 the counts.
    """
    import torch

    with warnings.catch_warnings():  # torch-geometric calls what the newest torch has deprecated
        warnings.simplefilter("ignore", DeprecationWarning)
        from torch_geometric.data import Data

    graph = cell_graph(architecture)
    # A cell that computes nothing has no edges: reshaped, there are none of three numbers.
    edges = torch.tensor(graph.edges, dtype=torch.int64).reshape(-1, 3)
    return Data(
        x=torch.eye(len(NODE_KINDS))[list(graph.kinds)],
        edge_index=edges[:, :2].T.contiguous(),
        edge_weight=edges[:, 2].float(),
    )


@cache
def _graph_of(form: str) -> CellGraph:
    summed = {} if form == "0" else Counter(_summands(form))
    inputs: dict[str, Counter[str]] = {"x": Counter()}
    # Terms within terms, each once: equal text is one node, whoever sums it.
    waiting = list(summed)
    while waiting:
        term = waiting.pop()
        if term not in inputs:
            inputs[term] = Counter(_summands(term[term.index("(") + 1 : -1]))
            waiting += inputs[term]
    # A term is deeper than what it is made of, so every edge goes from a lower node to a higher.
    terms = sorted(inputs, key=lambda term: (_depth(term), term))
    place = {term: node for node, term in enumerate(terms)}
    edges = [(place[s], place[t], count) for t in terms for s, count in inputs[t].items()]
    edges += [(place[term], len(terms), count) for term, count in summed.items()]
    return CellGraph((*map(_kind, terms), _OUTPUT), tuple(sorted(edges)))


def _kind(term: str) -> int:
    return _INPUT if term == "x" else NODE_KINDS.index(term[: term.index("(")])


def _depth(term: str) -> int:
    """Return how many ops are nested in a term."""
    depth = deepest = 0
    for character in term:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    return deepest


def _summands(text: str) -> list[str]:
    """Split a sum at the plus signs that stand outside brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == "+" and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts

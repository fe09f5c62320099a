"""Nodes of a cell written out: skips and pools are linear, convolutions are not.

The value of a node is the sum over atoms j and pool powers k of ``L[k, j] * pool^k(atom j)``. Atom
0 is the cell's input, atom e + 1 the output of the convolution on edge e.
"""

from dataclasses import dataclass

import numpy as np

from ..spaces import EDGES
from ..typing import FloatArray, IntArray
from .paths import CONV_1X1, CONV_3X3, POOL, SKIP

# No way has more than three edges, so an atom is pooled 0 to 3 times; the input and six edges.
N_POWERS, N_ATOMS = 4, 7
CONVS = (CONV_1X1, CONV_3X3)


@dataclass(frozen=True)
class LinearForms:
    """The linear forms of n cells.

    Args:
        ops: Op numbers, ``(n, 6)``.
        coefficients: L of each node, ``(4, n, 4 pool powers, 7 atoms)``.
        live: Whether an edge is a convolution that sees the input and reaches the output,
            ``(n, 6)`` bool.
    """

    ops: IntArray
    coefficients: FloatArray
    live: np.ndarray


def linear_forms(ops: IntArray) -> LinearForms:
    """Return the linear forms of cells given by op numbers ``(n, 6)``."""
    L = np.zeros((4, len(ops), N_POWERS, N_ATOMS))
    L[0, :, 0, 0] = 1
    # Edges are sorted by target: the form of a source is complete when it is read.
    for edge, (source, target) in enumerate(EDGES):
        op = ops[:, edge]
        sees_input = L[source].sum(axis=(1, 2)) > 0
        skip, pool, conv = op == SKIP, op == POOL, np.isin(op, CONVS) & sees_input
        L[target, skip] += L[source, skip]
        # Pooled once more; no way has a fourth edge, so nothing of the last power is cut off.
        L[target, pool, 1:] += L[source, pool, :-1]
        L[target, conv, 0, edge + 1] += 1
    return LinearForms(ops, L, _live(L.sum(axis=2) > 0))


def _live(uses: np.ndarray) -> np.ndarray:
    """Return which convolutions the output depends on, ``(n, 6)``.

    Args:
        uses: Whether a node's form has an atom, ``(4, n, 7)``.
    """
    live = np.zeros((uses.shape[1], len(EDGES)), dtype=bool)
    # Backwards: whether a later convolution is live is known before those it reads.
    for edge in range(len(EDGES) - 1, -1, -1):
        live[:, edge] = uses[3, :, edge + 1]
        for later in range(edge + 1, len(EDGES)):
            if EDGES[later][0] >= EDGES[edge][1]:
                live[:, edge] |= live[:, later] & uses[EDGES[later][0], :, edge + 1]
    return live

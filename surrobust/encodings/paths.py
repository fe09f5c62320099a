"""The ways from input to output, by the ops along them."""

import itertools
from collections.abc import Sequence

import numpy as np

from ..spaces import Architecture
from ..typing import FloatArray, IntArray
from .base import AbstractEncoder

NONE, SKIP, CONV_1X1, CONV_3X3, POOL = range(5)
OP_NAMES = {CONV_1X1: "conv1x1", CONV_3X3: "conv3x3", POOL: "pool"}

PATH_EDGES = ((3,), (0, 4), (1, 5), (0, 2, 5))
"""The edges of the four ways from node 0 to node 3, as positions in a code."""

WORDS = tuple(w for k in range(4) for w in itertools.product(OP_NAMES, repeat=k))
"""The 40 sequences of up to three ops that a way can carry once its skips are dissolved."""


def live_paths(ops: IntArray) -> tuple[IntArray, np.ndarray]:
    """Return what the four ways of each cell carry.

    Args:
        ops: Op numbers, shape ``(n, 6)``.

    Returns:
        Positions in ``WORDS``, ``(n, 4)``, and whether no edge of the way is ``none``, ``(n, 4)``
        bool; where one is, the position means nothing.
    """
    words = np.empty((len(ops), len(PATH_EDGES)), dtype=np.int64)
    alive = np.empty(words.shape, dtype=bool)
    for column, edges in enumerate(PATH_EDGES):
        along = ops[:, edges]
        alive[:, column] = (along != NONE).all(axis=1)
        # A skip in a word is no op, so shorter ways are filled up with them.
        padded = np.full((len(ops), 3), SKIP)
        padded[:, : len(edges)] = np.where(along == NONE, SKIP, along)
        words[:, column] = _WORD_OF[tuple(padded.T)]
    return words, alive


def count_paths(ops: IntArray) -> FloatArray:
    """Return how many ways carry each of the ``WORDS``, shape ``(n, 40)``."""
    words, alive = live_paths(ops)
    counts = np.zeros((len(ops), len(WORDS)))
    for column in range(words.shape[1]):
        np.add.at(counts, (np.arange(len(ops)), words[:, column]), alive[:, column])
    return counts


class PathEncoder(AbstractEncoder):
    """How often each op sequence occurs among the ways from input to output.

    Unlike the path encoding of White, Neiswanger & Savani, "BANANAS" (AAAI 2021), which marks
    which paths exist, skips are dissolved and equal paths counted: cells that compute the same get
    the same row.
    """

    @property
    def names(self) -> tuple[str, ...]:
        """``conv1x1>conv3x3`` and so on, ``identity`` for a way of skips alone."""
        return tuple(">".join(OP_NAMES[op] for op in word) or "identity" for word in WORDS)

    def encode(self, architectures: Sequence[Architecture]) -> FloatArray:
        """Return counts, shape ``(n, 40)``."""
        return count_paths(np.array([cell.ops for cell in architectures]).reshape(-1, 6))

    def key(self, architecture: Architecture) -> str:
        """Return the function class."""
        return architecture.function_class


def _table() -> IntArray:
    """Return the position in ``WORDS`` of each triple of ops, skips ignored."""
    position = {word: i for i, word in enumerate(WORDS)}
    table = np.zeros((5, 5, 5), dtype=np.int64)
    for triple in itertools.product(range(1, 5), repeat=3):
        table[triple] = position[tuple(op for op in triple if op != SKIP)]
    return table


_WORD_OF = _table()

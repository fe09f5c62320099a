"""Two notions of "the same cell", and the order of NAS-Bench-201's 15625 cells."""

import itertools
import random
from collections.abc import Iterable
from functools import cache

OPS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
NONE, SKIP = 0, 1


def canonical_forms(cells: Iterable[tuple[int, ...]]) -> list[str]:
    """Return NAS-Bench-201's own key of each cell.

    Zeros are written ``#``, skips are dissolved, and the summands of a node are sorted as text.
    Sums are not flattened, so the 15625 cells fall into 6466 classes rather than 4930.
    """
    return [_canonical(ops) for ops in cells]


def _canonical(ops: tuple[int, ...]) -> str:
    node_1 = _canonical_node((("0", ops[0]),))
    node_2 = _canonical_node((("0", ops[1]), (node_1, ops[2])))
    return _canonical_node((("0", ops[3]), (node_1, ops[4]), (node_2, ops[5])))


@cache
def _canonical_node(inputs: tuple[tuple[str, int], ...]) -> str:
    # Zeros stay summands, ``#``: as in the authors' key, x + 0 is another cell than x.
    return "+".join(sorted(_canonical_edge(source, op) for source, op in inputs))


def _canonical_edge(source: str, op: int) -> str:
    if op == NONE or source == "#":
        return "#"
    return source if op == SKIP else f"({source})@{OPS[op]}"


_SHORT = {2: "conv1x1", 3: "conv3x3", 4: "pool"}


# A search asks for the form of every cell, over and over.
@cache
def function_form(ops: tuple[int, ...]) -> str:
    """Return what a cell computes from its input as a sorted sum of terms, ``0`` if nothing.

    Convolutions of zeros are dropped like zeros, without the constants that batch norm gives there.
    """
    return "+".join(function_terms(ops)) or "0"


def function_terms(ops: tuple[int, ...]) -> tuple[str, ...]:
    """Return the sorted summands of the output node, zeros dropped and skips dissolved."""
    node_1 = _terms(((("x",), ops[0]),))
    node_2 = _terms(((("x",), ops[1]), (node_1, ops[2])))
    return _terms(((("x",), ops[3]), (node_1, ops[4]), (node_2, ops[5])))


@cache
def _terms(inputs: tuple[tuple[tuple[str, ...], int], ...]) -> tuple[str, ...]:
    terms: list[str] = []
    for source, op in inputs:
        if op == NONE or not source:
            continue
        terms += source if op == SKIP else (f"{_SHORT[op]}({'+'.join(source)})",)
    return tuple(sorted(terms))


N_OPS = 5
N_EDGES = 6

_PUBLISHED_SHUFFLE = 88
"""The seed with which the authors shuffled the list of all cells; the order follows from it."""


@cache
def ordered_codes() -> tuple[tuple[int, ...], ...]:
    """Return the ops of all 15625 cells; the position is the index."""
    cells = list(itertools.product(range(N_OPS), repeat=N_EDGES))
    # Python promises no order for a seed; tests hold it to NATS-Bench's own list.
    random.Random(_PUBLISHED_SHUFFLE).shuffle(cells)
    return tuple(cells)


@cache
def _positions() -> dict[tuple[int, ...], int]:
    return {ops: index for index, ops in enumerate(ordered_codes())}


def position_of(ops: tuple[int, ...]) -> int:
    """Return the index of a cell given by its six ops."""
    return _positions()[ops]

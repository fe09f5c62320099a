"""The order of NAS-Bench-201's 15625 cells, made without any file."""

import itertools
import random
from functools import cache

N_OPS = 5
N_EDGES = 6

_PUBLISHED_SHUFFLE = 88
"""The seed with which the authors shuffled the list of all cells; the order follows from it."""


@cache
def ordered_codes() -> tuple[tuple[int, ...], ...]:
    """Return the ops of all 15625 cells; the position is the index."""
    cells = list(itertools.product(range(N_OPS), repeat=N_EDGES))
    random.Random(_PUBLISHED_SHUFFLE).shuffle(cells)
    return tuple(cells)


@cache
def _positions() -> dict[tuple[int, ...], int]:
    return {ops: index for index, ops in enumerate(ordered_codes())}


def position_of(ops: tuple[int, ...]) -> int:
    """Return the index of a cell given by its six ops."""
    return _positions()[ops]

"""Features of what a cell computes, in groups.

Two cells may be of one function class although one uses a convolution's output twice where the
other has two convolutions. Those are different networks, and measurements differ, so a *form* here
is a function class with its numbers of convolutions. A cell counts as its representative does, the
one that benchmarks measured, and all features are read off the first representative of a form: a
row is the same whichever cell is given.
"""

import itertools
from collections.abc import Sequence

import numpy as np

from ..spaces import EDGES, Architecture, find_representatives, known_cells
from ..typing import FloatArray, IntArray
from .base import AbstractEncoder
from .linear_forms import CONVS, N_ATOMS, N_POWERS, LinearForms, linear_forms
from .paths import CONV_1X1, CONV_3X3, OP_NAMES, POOL, WORDS, live_paths
from .signal_propagation import FIELD, FLOW, propagate

_SETS = {
    "conv1x1": (CONV_1X1,),
    "conv3x3": (CONV_3X3,),
    "pool": (POOL,),
    "conv": CONVS,
    "conv1x1 or pool": (CONV_1X1, POOL),
    "conv3x3 or pool": (CONV_3X3, POOL),
    "op": tuple(OP_NAMES),
}
_SOURCES = ("x", "conv1x1", "conv3x3")


def _banned() -> list[tuple[int, ...]]:
    return [b for size in (1, 2) for b in itertools.combinations(OP_NAMES, size)]


def _group_names() -> dict[str, tuple[str, ...]]:
    """Return the columns of each group."""
    along = [f"{how} {ops}s along a path" for ops in _SETS for how in ("most", "least", "mean")]
    without = [
        f"{what} without {' and '.join(OP_NAMES[op] for op in banned)}"
        for banned in _banned()
        for what in ("shortest path", "longest path", "paths")
    ]
    whole = ["paths", "identity paths", "computes nothing", "largest reach", "mean reach"]
    fed = [
        f"{source} pooled {power} times into {sink}"
        for sink in ("conv1x1", "conv3x3", "the output")
        for power in range(N_POWERS if sink == "the output" else N_POWERS - 1)
        for source in _SOURCES
    ]
    return {
        "count": ("conv1x1s", "conv3x3s", "convs", "log weights"),
        "stat": (*along, *without, *whole),
        "feed": tuple(fed),
        "field": FIELD,
        "flow": FLOW,
    }


GROUPS = _group_names()
"""The columns of each group of features, in their order."""


class FunctionFeatureEncoder(AbstractEncoder):
    """All groups of features side by side.

    Among them the graph features of Kadlecova, Lukasik, Pilat, Vidnerova, Safari, Neruda & Hutter,
    "Surprisingly Strong Performance Prediction with Neural Graph Features" (ICML 2024): op counts,
    shortest paths with ops banned, most ops on a path. Unlike the paper, all are taken of the
    function form.
    """

    @property
    def names(self) -> tuple[str, ...]:
        """What each column is, group after group."""
        return tuple(name for group in GROUPS.values() for name in group)

    def encode(self, architectures: Sequence[Architecture]) -> FloatArray:
        """Return features, shape ``(n, d)``."""
        if not len(architectures):
            return np.empty((0, len(self.names)))
        forms = [self.key(cell) for cell in architectures]
        missing = sorted({form for form in forms if form not in _ROWS})
        if missing:
            ops = np.array([Architecture.parse(form).ops for form in missing])
            computed = np.concatenate(list(feature_groups(ops).values()), axis=1)
            _ROWS.update(zip(missing, computed, strict=True))
        return np.array([_ROWS[form] for form in forms])

    def key(self, architecture: Architecture) -> int:
        """Return the index of the first representative of the form."""
        return known_cells()[1][architecture.index]


_ROWS: dict[int, FloatArray] = {}
"""Features as far as they were asked for: at most 4999 rows."""


def find_forms() -> tuple[int, ...]:
    """Work out, for each index, the first representative of its form."""
    representatives = find_representatives()
    own = sorted(set(representatives))
    cells = [Architecture.parse(index) for index in own]
    ops = np.array([cell.ops for cell in cells])
    live = linear_forms(ops).live
    counts = zip(
        *((live & (ops == op)).sum(axis=1).tolist() for op in (CONV_1X1, CONV_3X3)), strict=True
    )
    first: dict[tuple[str, int, int], int] = {}
    leads = {
        index: first.setdefault((cell.function_class, *count), index)
        for index, cell, count in zip(own, cells, counts, strict=True)
    }
    return tuple(leads[index] for index in representatives)


def twin_groups(architectures: Sequence[Architecture]) -> IntArray:
    """Return a number for each cell, shape ``(n,)``, shared by all that compute the same.

    Cells share it that are of one function class, and those whose features are equal although
    their function classes are written differently: a pool of a sum is the sum of the pools.
    """
    # Sums in another order differ in their last digits, different features by far more.
    rows = np.round(FunctionFeatureEncoder().encode(architectures), 6)
    alike = np.unique(rows, axis=0, return_inverse=True)[1].ravel()
    classes: dict[str, int] = {}
    # Sets joined by leaders (union-find): the cells first, then one for each distinct row.
    leader = list(range(len(architectures) + int(alike.max(initial=0)) + 1))

    def find(i: int) -> int:
        while leader[i] != i:
            leader[i] = i = leader[leader[i]]
        return i

    for i, cell in enumerate(architectures):
        for other in (classes.setdefault(cell.function_class, i), len(architectures) + alike[i]):
            leader[find(i)] = find(int(other))
    return np.array([find(i) for i in range(len(architectures))], dtype=np.int64)


def feature_groups(ops: IntArray) -> dict[str, FloatArray]:
    """Return the features of cells as they are written, ``(n, d_g)`` per group of ``GROUPS``.

    Args:
        ops: Op numbers, shape ``(n, 6)``.
    """
    forms = linear_forms(ops)
    groups = {
        "count": _weight_counts(forms),
        "stat": _path_statistics(ops),
        "feed": _feeds(forms),
    }
    groups["field"], groups["flow"] = propagate(ops)
    # Without a way from input to output a cell is all zeros, whatever stands on its edges.
    computes = (forms.coefficients[3].sum(axis=(1, 2)) > 0)[:, None]
    nothing = GROUPS["stat"].index("computes nothing")
    for name, values in groups.items():
        groups[name] = np.where(computes, values, 0.0)
    # After the zeros, which would have taken it too.
    groups["stat"][:, nothing] = ~computes[:, 0]
    return groups


def _weight_counts(forms: LinearForms) -> FloatArray:
    ones = (forms.live & (forms.ops == CONV_1X1)).sum(axis=1)
    threes = (forms.live & (forms.ops == CONV_3X3)).sum(axis=1)
    # A 3x3 convolution has nine times the weights of a 1x1.
    return np.stack([ones, threes, ones + threes, np.log1p(ones + 9 * threes)], axis=1)


def _path_statistics(ops: IntArray) -> FloatArray:
    words, alive = live_paths(ops)
    total = alive.sum(axis=1)
    columns = []
    for allowed in _SETS.values():
        along = _ops_on(allowed)[words]
        columns += [
            # What is not there is beyond what can be: no way has -1,
            # 4 or 5 ops. Trees need the order.
            np.where(alive, along, -1).max(axis=1),
            np.where(alive, along, 4).min(axis=1),
            (along * alive).sum(axis=1) / np.maximum(total, 1),
        ]
    length = _ops_on(tuple(OP_NAMES))[words]
    for banned in _banned():
        free = alive & (_ops_on(banned)[words] == 0)
        columns += [
            np.where(free, length, 5).min(axis=1),
            np.where(free, length, -1).max(axis=1),
            free.sum(axis=1),
        ]
    reach = _ops_on((CONV_3X3, POOL))[words]
    identity = WORDS.index(())
    columns += [
        total,
        (alive & (words == identity)).sum(axis=1),
        total == 0,
        np.where(alive, reach, 0).max(axis=1),
        (reach * alive).sum(axis=1) / np.maximum(total, 1),
    ]
    return np.stack(columns, axis=1).astype(np.float64)


def _ops_on(ops: tuple[int, ...]) -> IntArray:
    """Return how many of these ops each of the ``WORDS`` has, ``(40,)``."""
    return np.array([sum(op in ops for op in word) for word in WORDS])


def _feeds(forms: LinearForms) -> FloatArray:
    """Return how often each source, pooled k times, is a summand of each sink, ``(n, 30)``."""
    n = len(forms.ops)
    # One-hot: what each atom is, the input or one of the two convolutions; (n, atoms, sources).
    kind = np.zeros((n, N_ATOMS, len(_SOURCES)))
    kind[:, 0, 0] = 1
    kind[:, 1:, 1] = forms.ops == CONV_1X1
    kind[:, 1:, 2] = forms.ops == CONV_3X3
    # Node v as a sum by pool power k and source t: (4, n, 4, 3).
    by_kind = np.einsum("vnkj,njt->vnkt", forms.coefficients, kind)
    columns = []
    for op in CONVS:
        fed = np.zeros((n, N_POWERS, len(_SOURCES)))
        for edge, (source, _) in enumerate(EDGES):
            is_op = forms.live[:, edge] & (forms.ops[:, edge] == op)
            fed += is_op[:, None, None] * by_kind[source]
        # What is pooled three times has no edge left to a convolution.
        columns.append(fed[:, : N_POWERS - 1].reshape(n, -1))
    return np.concatenate([*columns, by_kind[3].reshape(n, -1)], axis=1)

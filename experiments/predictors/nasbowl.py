"""NAS-BOWL's Gaussian process on Weisfeiler-Lehman counts, written from the paper and its code.

Ru et al., "Interpretable Neural Architecture Search via Bayesian Optimisation with
Weisfeiler-Lehman Kernels" (ICLR 2021); settings of xingchenwan/nasbowl 0abaa91. Unlike the authors'
code, a chain of skips is dissolved as a whole, and the noise is found by a search of its interval,
not by twenty steps of Adam.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_array, hstack

from surrobust import Architecture
from surrobust.spaces import OPS
from surrobust.typing import FloatArray

DEPTHS = range(5)
"""Rounds of relabelling that the marginal likelihood chooses from."""
FIRST_NOISE = 1e-3
"""Variance at which the depth is chosen, of standardised values."""
LINES = ((0, 1), (0, 2), (0, 4), (1, 3), (1, 5), (2, 6), (3, 6), (4, 7), (5, 7), (6, 7))
"""Edges of the graph whose nodes are input, the six operations, output."""

Graph = tuple[dict[int, str], dict[int, list[int]]]
"""Label and successors by node."""


def as_graph(cell: Architecture) -> Graph:
    """Return the graph of operations: none is cut out, skips are dissolved."""
    labels = dict(enumerate(["input", *(OPS[op] for op in cell.ops), "output"]))
    successors = {node: {b for a, b in LINES if a == node} for node in labels}
    for node, label in list(labels.items()):
        if label in ("none", "skip_connect"):
            for others in successors.values():
                if node in others:
                    others.remove(node)
                    if label == "skip_connect":
                        others |= successors[node]
            del labels[node], successors[node]
    reached = {b for others in successors.values() for b in others} | {0}
    ends = {a for a, others in successors.items() if others} | {7}
    kept = reached & ends
    return (
        {node: labels[node] for node in sorted(kept)},
        {node: sorted(successors[node] & kept) for node in sorted(kept)},
    )


def subtree_counts(graphs: Sequence[Graph]) -> list[csr_array]:
    """Return for each depth how often each graph has each label, ``(n, labels)``."""
    labels = [dict(graph[0]) for graph in graphs]
    found = []
    for depth in DEPTHS:
        if depth:
            labels = [
                {v: f"{own[v]},{sorted(own[w] for w in after)}" for v, after in graph[1].items()}
                for own, graph in zip(labels, graphs, strict=True)
            ]
        # Short names, so that they do not grow with depth.
        names = {
            name: str(i)
            for i, name in enumerate(sorted({x for own in labels for x in own.values()}))
        }
        labels = [{v: names[x] for v, x in own.items()} for own in labels]
        counts = [Counter(own.values()) for own in labels]
        row = [i for i, count in enumerate(counts) for _ in count]
        column = [int(x) for count in counts for x in count]
        value = [float(x) for count in counts for x in count.values()]
        found.append(csr_array((value, (row, column)), shape=(len(graphs), len(names))))
    return found


def normalised_columns(cells: Sequence[Architecture]) -> list[csr_array]:
    """Return for each depth ``(n, labels)`` whose inner products are the normalised kernel."""
    counts = subtree_counts([as_graph(cell) for cell in cells])
    found = []
    for depth in DEPTHS:
        all_counts = hstack(counts[: depth + 1], format="csr")
        size = np.sqrt(all_counts.power(2).sum(axis=1))
        found.append(csr_array(all_counts.multiply(1 / size[:, None])))
    return found


class WeisfeilerLehmanProcess:
    """The Gaussian process; ``X`` are positions among the cells that it was made with."""

    def __init__(self, columns: Sequence[csr_array], *, most_noise: float) -> None:
        self._columns = columns
        self._most_noise = most_noise

    def fit(self, X: FloatArray, y: FloatArray) -> "WeisfeilerLehmanProcess":  # noqa: N803
        """Choose depth and noise by the marginal likelihood of standardised values."""
        self._mean, self._sd = float(np.mean(y)), float(np.std(y, ddof=1))
        values = (y - self._mean) / self._sd
        rows = [columns[X] for columns in self._columns]
        kernels = [(part @ part.T).toarray() for part in rows]
        depth = int(np.argmin([_surprise(K, values, FIRST_NOISE) for K in kernels]))
        found = minimize_scalar(
            lambda log: _surprise(kernels[depth], values, np.exp(log)),
            bounds=np.log([1e-5, self._most_noise]),
            method="bounded",
        )
        K = kernels[depth] + np.exp(found.x) * np.eye(len(values))  # noqa: N806
        self._weights = rows[depth].T @ cho_solve(cho_factor(K, lower=True), values)
        self._depth = depth
        return self

    def predict(self, X: FloatArray) -> FloatArray:  # noqa: N803
        """Return the posterior mean at positions."""
        return self._columns[self._depth][X] @ self._weights * self._sd + self._mean


def _surprise(K: FloatArray, values: FloatArray, noise: float) -> float:  # noqa: N803
    """Return the negative log marginal likelihood, less a constant."""
    factor = cho_factor(K + noise * np.eye(len(values)), lower=True)
    halves = values @ cho_solve(factor, values) / 2
    return float(halves + np.log(np.diag(factor[0])).sum())

"""NAS-BOWL's Gaussian process on Weisfeiler-Lehman counts, written from the paper and its code.

Ru et al., "Interpretable Neural Architecture Search via Bayesian Optimisation with
Weisfeiler-Lehman Kernels" (ICLR 2021); settings of xingchenwan/nasbowl 0abaa91. Unlike the authors'
code, a chain of skips is dissolved as a whole, and the noise is found by a search of its interval,
not by twenty steps of Adam.
"""

from collections.abc import Sequence

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_array

from surrobust import Architecture
from surrobust.benchmark.peers.gaussian_processes import surprise
from surrobust.benchmark.peers.weisfeiler_lehman import label_counts, label_lengths
from surrobust.typing import FloatArray, IntArray

DEPTHS = range(5)
"""Rounds of relabelling that the marginal likelihood chooses from."""
FIRST_NOISE = 1e-3
"""Variance at which the depth is chosen, of standardised values."""


def normalised_columns(cells: Sequence[Architecture]) -> list[csr_array]:
    """Return for each depth ``(n, labels)`` whose inner products are the normalised kernel."""
    rows = [cell.index for cell in cells]
    found = []
    for depth in DEPTHS:
        lengths = label_lengths(depth)[rows]
        found.append(csr_array(label_counts(depth)[rows].multiply(1 / lengths[:, None])))
    return found


class WeisfeilerLehmanProcess:
    """The Gaussian process; ``X`` are positions among the cells that it was made with."""

    def __init__(self, columns: Sequence[csr_array], *, most_noise: float) -> None:
        self._columns = columns
        self._most_noise = most_noise

    def fit(self, X: IntArray, y: FloatArray) -> "WeisfeilerLehmanProcess":  # noqa: N803
        """Choose depth and noise by the marginal likelihood of standardised values."""
        self._mean, self._sd = float(np.mean(y)), float(np.std(y, ddof=1))
        values = (y - self._mean) / self._sd
        rows = [columns[X] for columns in self._columns]
        kernels = [(part @ part.T).toarray() for part in rows]
        depth = int(np.argmin([surprise(K, values, FIRST_NOISE) for K in kernels]))
        found = minimize_scalar(
            lambda log: surprise(kernels[depth], values, np.exp(log)),
            bounds=np.log([1e-5, self._most_noise]),
            method="bounded",
        )
        K = kernels[depth] + np.exp(found.x) * np.eye(len(values))  # noqa: N806
        self._weights = rows[depth].T @ cho_solve(cho_factor(K, lower=True), values)
        self._depth = depth
        return self

    def predict(self, X: IntArray) -> FloatArray:  # noqa: N803
        """Return the posterior mean at positions."""
        return self._columns[self._depth][X] @ self._weights * self._sd + self._mean

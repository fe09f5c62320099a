"""Several processes of the same cells, averaged by how well they explain what was measured.

Hoeting, Madigan, Raftery & Volinsky, "Bayesian Model Averaging: A Tutorial", Statistical Science
1999, equations 1 to 3.
"""

import numpy as np

from ..typing import FloatArray


def weigh(log_evidence: FloatArray, odds: FloatArray) -> FloatArray:
    """Return the weight of each of v processes for each of m targets, ``(v, m)``; they sum to one.

    Args:
        log_evidence: Logarithm of what each is worth by the measurements, ``(v, m)``.
        odds: What it is worth beforehand, ``(v, m)``; 0 for no weight.
    """
    # Odds of 0 are a logarithm of -inf.
    with np.errstate(divide="ignore"):
        found = np.log(odds) + log_evidence
    # Less the best of each target: logarithms of evidence are in
    # hundreds, and exp would underflow to 0 / 0.
    weights: FloatArray = np.exp(found - found.max(axis=0))
    return weights / weights.sum(axis=0)


def mix(
    weights: FloatArray, means: FloatArray, variances: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return mean and variance of the mixture, both ``(n, m)``.

    Args:
        weights: Of the processes, ``(v, m)``.
        means: What each says, ``(v, n, m)``.
        variances: Theirs, ``(v, n, m)``.
    """
    each = weights[:, None, :]
    mean = (each * means).sum(axis=0)
    # Within the processes and between them (Hoeting et al., the equation for the variance).
    variance = (each * (variances + (means - mean) ** 2)).sum(axis=0)
    return mean, variance

"""What a cell computes, as groups of features that a kernel can weigh one against another."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final

import numpy as np

from ..spaces import Architecture, NASBench201
from ..typing import FloatArray
from .function_features import GROUPS as FEATURE_GROUPS
from .function_features import FunctionFeatureEncoder
from .paths import PathEncoder

GROUPS = ("paths", *FEATURE_GROUPS)
"""The groups: how often each op sequence occurs, and those of the ``features``."""

FEATURE_WEIGHTS: Final = {"count": 0.05, "stat": 0.05, "feed": 0.03, "field": 0.2, "flow": 0.08}
"""What kernels expect the weights of the features' groups to be, the medians of their priors."""

_STANDARDISED = ("count", "stat", "field", "flow")
"""Groups of mixed units; in the others, counts, large ones are pulled in by a square root."""


def encode_function_groups(architectures: Iterable[Architecture]) -> tuple[FloatArray, ...]:
    """Return one float64 array of shape ``(n, d_g)`` per group of :data:`GROUPS`.

    Each group is centred and scaled so that two random representatives are at a mean squared
    distance of 1. Cells of one function class with as many convolutions get the same row.
    """
    rows = _raw_groups(list(architectures))
    return tuple(
        (values - center) / width for values, (center, width) in zip(rows, _scales(), strict=True)
    )


def compress(values: FloatArray, name: str) -> FloatArray:
    """Return the raw columns of a group with large counts pulled in, ``(n, d)``."""
    if name in _STANDARDISED:
        return values
    return np.sign(values) * np.sqrt(np.abs(values))


def center_and_width(values: FloatArray, name: str) -> tuple[FloatArray, FloatArray]:
    """Return what to subtract from compressed columns and what to divide by, ``(d,)`` each.

    Two random rows are then at a mean squared distance of 1; in groups of mixed units every column
    has its share in it.
    """
    center, deviation = values.mean(axis=0), np.ones(values.shape[1])
    if name in _STANDARDISED:
        deviation = values.std(axis=0)
        deviation[deviation < 1e-12] = 1.0
    size = np.sqrt(2 * (((values - center) / deviation) ** 2).sum(axis=1).mean())
    return center, deviation * size


@cache
def _scales() -> tuple[tuple[FloatArray, FloatArray], ...]:
    raw = _raw_groups(NASBench201().representatives())
    return tuple(center_and_width(values, name) for name, values in zip(GROUPS, raw, strict=True))


def _raw_groups(cells: Sequence[Architecture]) -> list[FloatArray]:
    features = FunctionFeatureEncoder().encode(cells)
    ends = np.cumsum([len(columns) for columns in FEATURE_GROUPS.values()])
    groups = [PathEncoder().encode(cells), *np.split(features, ends[:-1], axis=1)]
    return [compress(values, name) for name, values in zip(GROUPS, groups, strict=True)]

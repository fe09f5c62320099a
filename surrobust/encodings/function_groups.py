"""What a cell computes, as groups of features that a kernel can weigh one against another."""

from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np

from ..spaces import Architecture, NASBench201
from ..typing import FloatArray
from .function_features import GROUPS as FEATURE_GROUPS
from .function_features import FunctionFeatureEncoder
from .paths import PathEncoder

GROUPS = ("paths", *FEATURE_GROUPS)
"""The groups: how often each op sequence occurs, and those of the ``features``."""

_COUNTS = ("paths", "feed")
"""Groups of counts in one unit, large ones pulled in by a square root; the others are
standardised column by column."""


def encode_function_groups(architectures: Iterable[Architecture]) -> tuple[FloatArray, ...]:
    """Return one float64 array of shape ``(n, d_g)`` per group of :data:`GROUPS`.

    Each group is centred and scaled so that two random representatives are at a mean squared
    distance of 1. Cells of one function class with as many convolutions get the same row.
    """
    rows = _raw_groups(list(architectures))
    return tuple(
        (values - center) / scale for values, (center, scale) in zip(rows, _scales(), strict=True)
    )


@cache
def _scales() -> tuple[tuple[FloatArray, FloatArray], ...]:
    """Return what to subtract from each group and what to divide it by."""
    scales = []
    for name, values in zip(GROUPS, _raw_groups(NASBench201().representatives()), strict=True):
        center, deviation = values.mean(axis=0), np.ones(values.shape[1])
        if name not in _COUNTS:
            deviation = values.std(axis=0)
            deviation[deviation < 1e-12] = 1.0
        spread = np.sqrt(2.0 * (((values - center) / deviation) ** 2).sum(axis=1).mean())
        scales.append((center, deviation * spread))
    return tuple(scales)


def _raw_groups(cells: Sequence[Architecture]) -> list[FloatArray]:
    features = FunctionFeatureEncoder().encode(cells)
    ends = np.cumsum([len(columns) for columns in FEATURE_GROUPS.values()])
    groups = [PathEncoder().encode(cells), *np.split(features, ends[:-1], axis=1)]
    return [
        np.sqrt(values) if name in _COUNTS else values
        for name, values in zip(GROUPS, groups, strict=True)
    ]

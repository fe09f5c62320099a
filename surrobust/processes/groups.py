"""Groups of features for kernels, each scaled so that its distances are of order one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Final, Self

import numpy as np

from .._tensors import LARGEST_VALUE, take_tensor
from ..encodings import Columns
from ..encodings.function_features import GROUPS as FEATURE_GROUPS
from ..encodings.function_features import FunctionFeatureEncoder
from ..encodings.joined import Features
from ..encodings.paths import PathEncoder
from ..errors import InvalidModelError
from ..spaces import Architecture, NASBench201
from ..typing import FloatArray

_KNOWN = "columns"
"""Name of the groups of columns known beforehand, which are scaled already."""


@dataclass(frozen=True)
class KernelGroups:
    """How to scale the columns of an encoding for a kernel.

    Args:
        names: Name of each group.
        columns: Columns of the encoding that each group has.
        center: Subtracted after compression, one per column kept, ``(d,)``.
        scale: Multiplied afterwards, ``(d,)``.
    """

    names: tuple[str, ...]
    columns: tuple[tuple[int, ...], ...]
    center: FloatArray
    scale: FloatArray

    @classmethod
    def of(cls, encoder: str, known: Columns | None = None) -> Self:
        """Return the groups of an encoder and of columns, scaled over the 6466 representatives.

        Two random representatives are at a mean squared distance of 1 in every group.
        """
        names, columns = group_columns(encoder, known)
        raw = _all_representatives(encoder)
        if known is not None:
            own = known.encode(NASBench201().representatives())
            raw = np.concatenate([raw, own], axis=1)
        centers, scales = [], []
        for name, group in zip(names, columns, strict=True):
            values = _compress(raw[:, group], name)
            center, width = center_and_width(values, name)
            centers.append(center)
            scales.append(1 / width)
        return cls(names, columns, np.concatenate(centers), np.concatenate(scales))

    @classmethod
    def take(
        cls, tensors: Mapping[str, np.ndarray], encoder: str, known: Columns | None = None
    ) -> Self:
        """Take centre and scale of the groups of an encoder and of columns from saved arrays.

        Raises:
            InvalidModelError: If they do not fit.
        """
        names, columns = group_columns(encoder, known)
        shape = (sum(map(len, columns)),)
        center = take_tensor(tensors, "center", dtype="float64", shape=shape)
        scale = take_tensor(tensors, "scale", dtype="float64", shape=shape, most=LARGEST_VALUE)
        return cls(names, columns, center, scale)

    def take_rows(self, tensors: Mapping[str, np.ndarray]) -> np.ndarray:
        """Take saved rows, no more than there are architectures, ``(n, d)`` float32.

        Raises:
            InvalidModelError: If they do not fit.
        """
        rows = take_tensor(tensors, "rows", dtype="float32", shape=(None, len(self.center)))
        if len(rows) > len(NASBench201()):
            msg = f"weights: expected at most {len(NASBench201())} rows, got {len(rows)}"
            raise InvalidModelError(msg)
        return rows

    @property
    def slices(self) -> tuple[slice, ...]:
        """Where each group's columns are in what :meth:`transform` returns."""
        ends = np.cumsum([0, *map(len, self.columns)])
        return tuple(slice(int(a), int(b)) for a, b in pairwise(ends))

    def transform(self, rows: FloatArray) -> np.ndarray:
        """Return encoded rows scaled, ``(n, d)`` float32."""
        parts = [
            _compress(rows[:, group], name)
            for name, group in zip(self.names, self.columns, strict=True)
        ]
        scaled = (np.concatenate(parts, axis=1) - self.center) * self.scale
        return np.ascontiguousarray(scaled, dtype=np.float32)


def group_columns(
    encoder: str, known: Columns | None = None
) -> tuple[tuple[str, ...], tuple[tuple[int, ...], ...]]:
    """Return the names of the groups and the columns of each, a group per source at the end."""
    groups = _groups(encoder)
    start = Features(encoder).size
    for part in () if known is None else known.slices:
        groups.append((_KNOWN, tuple(range(start + part.start, start + part.stop))))
    names, columns = zip(*groups, strict=True)
    return names, columns


def _groups(encoder: str) -> list[tuple[str, tuple[int, ...]]]:
    found, start = [], 0
    for part, one in zip(encoder.split("+"), Features(encoder).encoders, strict=True):
        stop = start + len(one.names)
        if part == "features":
            at = start
            for name, columns in FEATURE_GROUPS.items():
                found.append((name, tuple(range(at, at + len(columns)))))
                at += len(columns)
        else:
            found.append((part, tuple(range(start, stop))))
        start = stop
    return found


def _compress(values: FloatArray, name: str) -> FloatArray:
    return values if name == _KNOWN else compress(values, name)


@cache
def _all_representatives(encoder: str) -> FloatArray:
    cells: Sequence[Architecture] = NASBench201().representatives()
    return Features(encoder).encode(cells)


KERNEL_GROUPS = ("paths", *FEATURE_GROUPS)
"""The groups: how often each op sequence occurs, and those of the ``features``."""

FEATURE_WEIGHTS: Final = {"count": 0.05, "stat": 0.05, "feed": 0.03, "field": 0.2, "flow": 0.08}
"""What kernels expect the weights of the features' groups to be, the medians of their priors."""

_STANDARDISED = ("count", "stat", "field", "flow")
"""Groups of mixed units; in the others, counts, large ones are pulled in by a square root."""


def encode_function_groups(architectures: Iterable[Architecture]) -> tuple[FloatArray, ...]:
    """Return one float64 array of shape ``(n, d_g)`` per group of :data:`KERNEL_GROUPS`.

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
    return tuple(
        center_and_width(values, name) for name, values in zip(KERNEL_GROUPS, raw, strict=True)
    )


def _raw_groups(cells: Sequence[Architecture]) -> list[FloatArray]:
    features = FunctionFeatureEncoder().encode(cells)
    ends = np.cumsum([len(columns) for columns in FEATURE_GROUPS.values()])
    groups = [PathEncoder().encode(cells), *np.split(features, ends[:-1], axis=1)]
    return [compress(values, name) for name, values in zip(KERNEL_GROUPS, groups, strict=True)]

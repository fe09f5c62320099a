"""Groups of features for kernels, each scaled so that its distances are of order one."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from .._parts import LARGEST_VALUE, tensor
from ..encodings.function_features import GROUPS as FEATURE_GROUPS
from ..encodings.joined import Features
from ..spaces import Architecture, NASBench201
from ..typing import FloatArray
from .metric import Metric

_KNOWN = "columns"
"""Name of the groups of columns known beforehand, which are compressed already."""

_LEARNT = "learnt"
"""Name of the group of directions of a metric."""

_STANDARDISED = ("count", "stat", "field", "flow")
"""Groups of mixed units; in the others, counts, large ones are pulled in by a square root."""


@dataclass(frozen=True)
class Scales:
    """How the columns of all groups are scaled, and what one more group is made of.

    Args:
        center: Subtracted after compression, ``(d,)``.
        scale: Multiplied afterwards, ``(d,)``.
        directions: Of the columns of the group ``learnt``, in scaled ones, ``(d, r)``.
    """

    center: FloatArray = tensor("float64", "d")
    scale: FloatArray = tensor("float64", "d", most=LARGEST_VALUE)
    directions: FloatArray = tensor("float64", "d _r")


class KernelGroups:
    """What a kernel compares: the columns of an encoding in groups, scaled.

    Two random representatives are at a mean squared distance of 1 in every group; in those of
    ``features`` by a metric at what it has learnt.

    Args:
        features: Encoders, of which each is a group, ``features`` several; and columns known
            beforehand, a group for each source.
        scales: As they were saved; None: over the 6466 representatives.
        metric: How far apart cells are by their features; None for what their spread says.

    Attributes:
        names: The name of each group.
        slices: Its columns.
        scales: How they are scaled.
    """

    def __init__(
        self, features: Features, scales: Scales | None = None, *, metric: Metric | None = None
    ) -> None:
        self.features = features
        self.names, self.slices = _groups_of(features)
        self.scales = self._scales(metric) if scales is None else scales
        if n := self.scales.directions.shape[1]:
            self.names = (*self.names, _LEARNT)
            self.slices = (*self.slices, slice(features.size, features.size + n))

    @property
    def size(self) -> int:
        """The number of columns."""
        return self.slices[-1].stop

    def encode(self, cells: Sequence[Architecture]) -> FloatArray:
        """Return scaled rows, ``(n, d)``; cells of one key of the features get the same."""
        if not cells:
            return np.empty((0, self.size))
        rows: FloatArray = self._compressed(self.features.encode(cells))
        rows -= self.scales.center
        rows *= self.scales.scale
        if not self.scales.directions.shape[1]:
            return rows
        return np.concatenate([rows, rows @ self.scales.directions], axis=1)

    def _scales(self, metric: Metric | None) -> Scales:
        # From all representatives, not from the training cells: few of these would leave columns
        # without spread, and the priors of the weights hold for one scale.
        encoder = "+".join(self.features.names)
        raw = _all_representatives(encoder)
        if (known := self.features.columns) is not None:
            own = known.encode(NASBench201().representatives())
            raw = np.concatenate([raw, own], axis=1)
        compressed = self._compressed(raw)
        centers, widths = zip(
            *(
                _center_and_width(compressed[:, part], name)
                for name, part in zip(self.names, self.slices, strict=True)
            ),
            strict=True,
        )
        scale = 1 / np.concatenate(widths)
        mine = _columns_of("features", self.features)
        if metric is None or mine is None:
            return Scales(np.concatenate(centers), scale, np.empty((len(scale), 0)))
        scale[mine] *= np.sqrt(metric.relevances)
        directions = np.zeros((len(scale), metric.directions.shape[1]))
        directions[mine] = metric.directions
        return Scales(np.concatenate(centers), scale, directions)

    def _compressed(self, raw: FloatArray) -> FloatArray:
        compressed = raw.astype(np.float64)
        for name, part in zip(self.names, self.slices, strict=True):
            if name not in (*_STANDARDISED, _KNOWN):
                # Two counts a, b are then apart by (a - b) / (root a + root b): one more matters
                # less.
                values = raw[:, part]
                compressed[:, part] = np.sign(values) * np.sqrt(np.abs(values))
        return compressed


@cache
def function_groups() -> KernelGroups:
    """Return the groups of searches: how often each op sequence occurs, and the features."""
    return KernelGroups(Features("paths+features"))


def _columns_of(name: str, features: Features) -> slice | None:
    """Return the columns of an encoder, None if it is none of these."""
    if name not in features.names:
        return None
    sizes = [len(encoder.names) for encoder in features.encoders]
    place = features.names.index(name)
    return slice(sum(sizes[:place]), sum(sizes[: place + 1]))


def _groups_of(features: Features) -> tuple[tuple[str, ...], tuple[slice, ...]]:
    """Return the groups' names and columns."""
    sizes: list[tuple[str, int]] = []
    for name, encoder in zip(features.names, features.encoders, strict=True):
        if name == "features":
            sizes += [(group, len(columns)) for group, columns in FEATURE_GROUPS.items()]
        else:
            sizes.append((name, len(encoder.names)))
    if features.columns is not None:
        sizes += [(_KNOWN, part.stop - part.start) for part in features.columns.slices]
    ends = np.cumsum([0, *(size for _, size in sizes)]).tolist()
    names = tuple(name for name, _ in sizes)
    return names, tuple(slice(a, b) for a, b in pairwise(ends))


def _center_and_width(values: FloatArray, name: str) -> tuple[FloatArray, FloatArray]:
    """Return what to subtract from compressed columns and what to divide by, ``(d,)`` each.

    In groups of mixed units every column has its share in the distance.
    """
    # Columns of one unit keep their own spread, so that a column of rare counts stays small.
    center, deviation = values.mean(axis=0), np.ones(values.shape[1])
    if name in _STANDARDISED:
        deviation = values.std(axis=0)
        # A constant column may have a spread of rounding errors, which must not be blown up.
        deviation[deviation < 1e-12] = 1.0
    # E |a - b|^2 = 2 E |a - mean|^2 for two independent rows a and b.
    size = np.sqrt(2 * (((values - center) / deviation) ** 2).sum(axis=1).mean())
    return center, deviation * size


@cache
def _all_representatives(encoder: str) -> FloatArray:
    cells: Sequence[Architecture] = NASBench201().representatives()
    return Features(encoder).encode(cells)

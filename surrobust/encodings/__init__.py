"""Encodings: architectures as rows of numbers, each by its name in :data:`ENCODINGS`.

``one_hot`` is the cell as written; ``paths`` and ``features`` are what it computes, equal for
cells that compute the same from their input with the same convolutions. ``graphs`` has graphs for
networks, ``function_groups`` groups for kernels; :class:`Columns` are numbers that are known
beforehand.
"""

from .base import AbstractEncoder
from .columns import Columns
from .function_features import FunctionFeatureEncoder, twin_groups
from .one_hot import OneHotEncoder
from .paths import PathEncoder

ENCODINGS: dict[str, type[AbstractEncoder]] = {
    "one_hot": OneHotEncoder,
    "paths": PathEncoder,
    "features": FunctionFeatureEncoder,
}
"""Every encoder by its name."""

__all__ = [
    "ENCODINGS",
    "AbstractEncoder",
    "Columns",
    "FunctionFeatureEncoder",
    "OneHotEncoder",
    "PathEncoder",
    "twin_groups",
]

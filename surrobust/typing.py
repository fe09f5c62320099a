"""Names for the array shapes that the package passes around."""

from os import PathLike
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
"""A float64 array; the docstring at hand gives its shape."""

IntArray: TypeAlias = NDArray[np.int64]
"""An int64 array; the docstring at hand gives its shape."""

Seed: TypeAlias = int | np.random.Generator
"""A seed given by the user, or a generator made from one."""

AnyPath: TypeAlias = str | PathLike[str]
"""A path as a string or path object."""

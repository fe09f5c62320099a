"""The shape of an answer: one value, an array, or a DataFrame."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ...typing import FloatArray
from ..inputs import AskedCells

if TYPE_CHECKING:
    import pandas as pd

ENDS = ("lower", "upper")
"""The second level of an interval's columns."""


def as_asked(values: FloatArray, asked: AskedCells, *, is_single: bool) -> Any:
    """Return values of n cells in the shape that the question and the fit have.

    Args:
        values: ``(n, m)``.
        asked: The cells; one that came without a list has no axis.
        is_single: Whether the fit was to values ``(n,)``.

    Returns:
        ``(n,)`` or ``(n, m)``; of one cell a float or ``(m,)``.
    """
    if is_single:
        return float(values[0, 0]) if asked.is_one else values[:, 0]
    return values[0] if asked.is_one else values


def to_frame(values: FloatArray, asked: AskedCells, targets: tuple[str, ...]) -> "pd.DataFrame":
    """Return values ``(n, m)`` with a row for each cell and a column for each target.

    Rows are called by the index that the cells came with, else by their genotypes.
    """
    import pandas as pd

    return pd.DataFrame(values, index=_labels(asked), columns=list(targets))


def interval_frame(
    lower: FloatArray, upper: FloatArray, asked: AskedCells, targets: tuple[str, ...]
) -> "pd.DataFrame":
    """Return both ends ``(n, m)`` side by side, with columns ``(target, lower)`` and so on."""
    import pandas as pd

    columns = pd.MultiIndex.from_product([targets, ENDS], names=["target", "end"])
    # (n, m, 2) to (n, 2m): the ends of a target are neighbours, as in the columns.
    values = np.stack([lower, upper], axis=2).reshape(len(lower), len(columns))
    return pd.DataFrame(values, index=_labels(asked), columns=columns)


def _labels(asked: AskedCells) -> Any:
    import pandas as pd

    if asked.labels is not None:
        return asked.labels
    return pd.Index([cell.genotype for cell in asked.cells], name="architecture", dtype="object")

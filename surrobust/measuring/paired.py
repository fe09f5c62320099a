"""Two networks on the same images."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import InvalidInputError
from ..metrics import mcnemar_exact


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """How two networks differ on the same images.

    Args:
        difference: Accuracy of the first minus that of the second.
        only_a: Images that only the first classifies right.
        only_b: Images that only the second does.
        n: Images in all.
        p_value: Of McNemar's exact test that both are equally accurate, two-sided.
    """

    difference: float
    only_a: int
    only_b: int
    n: int
    p_value: float


def compare_paired(correct_a: npt.ArrayLike, correct_b: npt.ArrayLike) -> PairedComparison:
    """Compare two networks by each image's outcome.

    The images that both or neither classify right say nothing about the difference, so that far
    fewer images are needed than for two separate intervals.

    Args:
        correct_a: Whether the first classifies each image right, ``(n,)`` bool.
        correct_b: Whether the second does, on the same images in the same order.

    Raises:
        InvalidInputError: If the shapes are not equal, or there are no images.
    """
    a, b = (np.asarray(correct, dtype=bool) for correct in (correct_a, correct_b))
    if a.shape != b.shape or a.ndim != 1 or not len(a):
        msg = f"correct_b: expected the shape of correct_a {a.shape}, (n,), got {b.shape}"
        raise InvalidInputError(msg)
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    difference = (only_a - only_b) / len(a)
    return PairedComparison(difference, only_a, only_b, len(a), mcnemar_exact(only_a, only_b))

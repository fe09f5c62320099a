"""Two records on the same test images."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import InvalidInputError
from ..measuring import PairedComparison, compare_paired
from ..tables.attacked import attack_of, tell_attack


def pack_outcomes(correct: npt.NDArray[np.bool_]) -> str:
    """Return which images are classified right as hexadecimal digits, eight images in two."""
    return np.packbits(correct).tobytes().hex()


def unpack_outcomes(text: str, n: int) -> npt.NDArray[np.bool_]:
    """Return what :func:`pack_outcomes` was given, ``(n,)``.

    Raises:
        InvalidInputError: If the text is not of so many images.
    """
    try:
        packed = np.frombuffer(bytes.fromhex(text), dtype=np.uint8)
    except ValueError:
        packed = np.empty(0, dtype=np.uint8)
    # Rounded up: the last byte may have fewer than eight images.
    if len(packed) != -(-n // 8):
        msg = f"outcomes: expected hexadecimal digits of {n} images, got {len(text)} characters"
        raise InvalidInputError(msg)
    return np.unpackbits(packed, count=n).astype(bool)


def compare_records(
    first: Mapping[str, Any], second: Mapping[str, Any], metric: str
) -> PairedComparison:
    """Compare two cells image by image.

    Args:
        first: A record.
        second: Another, of the same images.
        metric: Such as ``pgd-8``.

    Raises:
        InvalidInputError: If the records are of other images, one has no outcomes of the metric, or
            its name means another attack in each.
    """
    facts = [(r["images"], r["n_test"], _test_images(r)) for r in (first, second)]
    if facts[0] != facts[1]:
        msg = f"second: expected a record of the images {facts[0]}, got {facts[1]}"
        raise InvalidInputError(msg)
    attacks = [attack_of(record, metric) for record in (first, second)]
    if attacks[0] != attacks[1]:
        told = [tell_attack(attack) for attack in attacks]
        msg = f"second: expected a record whose {metric} is {told[0]}, got {told[1]}"
        raise InvalidInputError(msg)
    outcomes = []
    for record in (first, second):
        text = record.get("outcomes", {}).get(metric)
        if not isinstance(text, str):
            msg = f"metric: expected one with outcomes in both records, got {metric}"
            raise InvalidInputError(msg)
        outcomes.append(unpack_outcomes(text, record["n_test"]))
    return compare_paired(*outcomes)


def _test_images(record: Mapping[str, Any]) -> str | None:
    """Return the beginning of the checksum of a record's test images, if it has one."""
    found = record.get("identity", {}).get("test", {}).get("sha256")
    return None if found is None else str(found)[:12]

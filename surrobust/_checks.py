"""The one place where messages about arguments are worded: "expected ..., got ..."."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import numpy as np

from .errors import InvalidInputError
from .typing import FloatArray


def brief(value: object, limit: int = 60) -> str:
    """Return ``repr(value)`` on one line, shortened to ``limit`` characters."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # nested too deeply, above 4300 digits, or whatever a stranger's repr raises
        text = f"<{type(value).__name__}>"
    return text if len(text) <= limit else text[: limit - 3] + "..."


def listed(known: Iterable[str], value: object, *, most: int = 24) -> str:
    """Return the known names, separated by commas; of many the three closest to what came."""
    names = list(dict.fromkeys(known))
    if len(names) <= most:
        return ", ".join(names)
    shown = get_close_matches(str(value)[:200], names, n=3, cutoff=0.0)
    return f"{', '.join(shown)} or {len(names) - len(shown)} more"


def check_choice(name: str, value: Any, known: Iterable[str]) -> str:
    """Return ``value`` if it is one of ``known``.

    Raises:
        InvalidInputError: If it is not; the message lists the known names, of many the closest.
    """
    names = list(known)
    if not isinstance(value, str) or value not in names:
        msg = f"{name}: expected one of {listed(names, value)}; got {brief(value)}"
        raise InvalidInputError(msg)
    return value


def check_same(name: str, got: Any, expected: Any, *, as_in: str, where: str = "") -> None:
    """Check that what was begun and what is to go on are one; of mappings, name the entry.

    Args:
        name: Of what is compared.
        got: What came.
        expected: What it has to be.
        as_in: Whose that is, for the message.
        where: Where ``got`` was found, for the message.

    Raises:
        InvalidInputError: If they differ.
    """
    if isinstance(expected, Mapping) and isinstance(got, Mapping):
        for key, value in expected.items():
            check_same(f"{name}: {key}", got.get(key), value, as_in=as_in, where=where)
    if got != expected:
        place = where and f" in {where}"
        msg = f"{name}: expected {brief(expected)} as in {as_in}, got {brief(got)}{place}"
        raise InvalidInputError(msg)


def check_integer(name: str, value: Any, *, minimum: int, maximum: int | None = None) -> int:
    """Return ``value`` as an int if it is an integer of at least ``minimum``.

    Args:
        name: What it is.
        value: Anything.
        minimum: The least one.
        maximum: The largest one; None if there is none.

    Raises:
        InvalidInputError: If it is not, or larger than ``maximum``.
    """
    is_integer = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not is_integer or value < minimum or (maximum is not None and value > maximum):
        wanted = f"of at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
        msg = f"{name}: expected an integer {wanted}, got {brief(value)}"
        raise InvalidInputError(msg)
    return int(value)


def check_fraction(name: str, value: Any) -> float:
    """Return ``value`` as a float if it is above 0 and at most 1.

    Raises:
        InvalidInputError: If it is not.
    """
    is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not is_number or not 0.0 < value <= 1.0:
        msg = f"{name}: expected a number above 0 and at most 1, got {brief(value)}"
        raise InvalidInputError(msg)
    return float(value)


def check_coverage(value: Any) -> float:
    """Return ``value`` as a float if it lies strictly between 0 and 1.

    Raises:
        InvalidInputError: If it does not.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        number = float("nan")
    else:
        number = float(value)
    if not 0.0 < number < 1.0:
        msg = f"coverage: expected a number strictly between 0 and 1, got {brief(value)}"
        raise InvalidInputError(msg)
    return number


def check_values(y: Any, *, n: int) -> FloatArray:
    """Return ``y`` as finite float64 of shape ``(n,)`` or ``(n, m)``.

    Raises:
        InvalidInputError: If the length differs from ``n``, or a value is not a finite number.
    """
    try:
        array = np.asarray(y, dtype=np.float64)
    except (TypeError, ValueError):
        msg = f"y: expected numbers of shape ({n},) or ({n}, m), got {brief(y)}"
        raise InvalidInputError(msg) from None
    if array.ndim not in (1, 2) or array.shape[0] != n or array.size == 0:
        msg = f"y: expected shape ({n},) or ({n}, m), got {array.shape}"
        raise InvalidInputError(msg)
    if not np.isfinite(array).all():
        msg = f"y: expected finite numbers, got {int((~np.isfinite(array)).sum())} that are not"
        raise InvalidInputError(msg)
    return array

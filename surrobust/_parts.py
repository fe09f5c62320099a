"""Parts: frozen dataclasses of arrays whose types and shapes are declared, to arrays and back.

What a model keeps is a part, or a tree of them. Each array has a dotted name that says where it
is, as ``calibration.scores`` or ``processes.0.alpha``. What comes back was looked at: nothing of
another type, shape or size, nothing missing and nothing left over.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from itertools import count
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import numpy as np

from ._files import parse_json
from .errors import InvalidInputError, InvalidModelError

P = TypeVar("P")

LARGEST = 1e12
"""No weight in units of a spread is plausibly larger."""

# A hundred times what predictors take to learn from: see predictors/inputs.py.
LARGEST_VALUE = 1e20
"""Nor is one in a target's own unit."""

_SCALARS = {bool: "bool", int: "int64", float: "float64"}
_TEXTS = {str: str, tuple[str, ...]: str, tuple[int, ...]: int}
"""What is written as JSON, and what it consists of."""


@dataclasses.dataclass(frozen=True)
class _Array:
    """What an array is declared to be."""

    dtype: str
    shape: tuple[str, ...]
    most: float
    may_be_nan: bool


_APART = "apart"


def tensor(dtype: str, shape: str, *, most: float = LARGEST, may_be_nan: bool = False) -> Any:
    """Declare a field of a part to be an array.

    Args:
        dtype: Its type, as ``float64``.
        shape: The sizes of its axes, by spaces: a number; ``*`` for any; or a name, which stands
            for one size throughout the tree. Names that begin with ``_`` are the part's own.
        most: How large floating-point numbers in it may be, up or down; they must be finite.
        may_be_nan: Whether they may be NaN besides.
    """
    declared = _Array(dtype, tuple(shape.split()), most, may_be_nan)
    return dataclasses.field(metadata={"tensor": declared})


def unsaved() -> Any:
    """Declare a field of a part that is not kept: None once the part is read."""
    return dataclasses.field(default=None, metadata={_APART: True})


def pack(part: Any) -> dict[str, np.ndarray]:
    """Return the arrays of a part and of all parts in it by their dotted names.

    Raises:
        InvalidModelError: If :func:`unpack` would refuse them.
    """
    tensors = dict(_packed(part, ""))
    unpack(type(part), tensors)
    return tensors


def _packed(part: Any, prefix: str) -> Iterator[tuple[str, np.ndarray]]:
    for name, hint, declared in _fields(type(part)):
        value, key = getattr(part, name), f"{prefix}{name}"
        if declared is not None:
            yield key, value
        elif hint in _SCALARS:
            yield key, np.array([value], dtype=_SCALARS[hint])
        elif hint in _TEXTS:
            yield key, np.frombuffer(json.dumps(value).encode(), dtype=np.uint8)
        elif get_origin(hint) is tuple:
            for i, one in enumerate(value):
                yield from _packed(one, f"{key}.{i}.")
        elif value is not None:
            yield from _packed(value, f"{key}.")


def unpack(
    cls: type[P],
    tensors: Mapping[str, np.ndarray],
    sizes: Mapping[str, int] | None = None,
    prefix: str = "",
) -> P:
    """Return a part from what :func:`pack` gave, after a look at all of it.

    A part with a method ``check`` is asked for more, once its own parts were.

    Args:
        cls: Its class: a frozen dataclass whose fields are arrays (:func:`tensor`), numbers,
            texts, tuples of texts or whole numbers, other parts, or tuples of parts. A part may be
            None: no array has its prefix.
        tensors: Arrays by name.
        sizes: What names of sizes must be. Others are what they are where they are met first, and
            must be that everywhere; within one part of a tuple, unless they were met outside.
        prefix: What the names begin with, such as ``model.``; others are not looked at.

    Raises:
        InvalidModelError: If an array is missing, left over or another, or ``check`` refuses.
    """
    reader = _Reader(tensors)
    part = reader.part(cls, prefix, dict(sizes or {}))
    left = [name for name in tensors if name.startswith(prefix) and name not in reader.taken]
    if left:
        msg = f"weights: expected nothing besides what is declared, got {min(left)[:80]} too"
        raise InvalidModelError(msg)
    return part


class _Reader:
    """Takes parts out of arrays, and remembers what was taken."""

    def __init__(self, tensors: Mapping[str, np.ndarray]) -> None:
        self.tensors = tensors
        self.taken: set[str] = set()

    def part(self, cls: type[P], prefix: str, sizes: dict[str, int]) -> P:
        own = {name: size for name, size in sizes.items() if not name.startswith("_")}
        found = {}
        # Tuples last: sizes that their parts share with this one are known by then.
        for name, hint, declared in sorted(_fields(cls), key=lambda f: get_origin(f[1]) is tuple):
            key = f"{prefix}{name}"
            if declared is not None:
                found[name] = self._array(key, declared, own)
            elif hint in _SCALARS or hint in _TEXTS:
                found[name] = self._plain(key, hint)
            else:
                found[name] = self._nested(key, hint, own)
        # Names that were met in here hold outside too; those of this part alone do not.
        sizes |= {name: size for name, size in own.items() if not name.startswith("_")}
        part = cls(**found)
        if hasattr(part, "check"):
            part.check()
        return part

    def _nested(self, key: str, hint: Any, sizes: dict[str, int]) -> Any:
        if get_origin(hint) is tuple:
            number = next(i for i in count() if not self._has(f"{key}.{i}."))
            (kind, _) = get_args(hint)
            return tuple(self.part(kind, f"{key}.{i}.", dict(sizes)) for i in range(number))
        kinds = [kind for kind in get_args(hint) if kind is not NoneType] or [hint]
        if len(kinds) < len(get_args(hint)) and not self._has(f"{key}."):
            return None
        return self.part(kinds[0], f"{key}.", sizes)

    def _has(self, prefix: str) -> bool:
        return any(name.startswith(prefix) for name in self.tensors)

    def _array(self, key: str, declared: _Array, sizes: dict[str, int]) -> np.ndarray:
        self.taken.add(key)
        array = self.tensors.get(key)
        before = dict(sizes)
        if array is None or array.dtype != np.dtype(declared.dtype):
            got = "none" if array is None else f"{array.dtype} of shape {array.shape}"
        elif not _bind(declared.shape, array.shape, sizes):
            got = f"shape {array.shape}"
        else:
            _check_numbers(array, key, declared)
            return array
        shape = ", ".join(str(before.get(name, name)) for name in declared.shape)
        msg = f"weights: expected {key} as {declared.dtype} of shape ({shape}), got {got}"
        raise InvalidModelError(msg)

    def _plain(self, key: str, hint: Any) -> Any:
        if hint in _SCALARS:
            declared = _Array(_SCALARS[hint], ("1",), LARGEST, may_be_nan=False)
            return self._array(key, declared, {})[0].item()
        text = self._array(key, _Array("uint8", ("*",), LARGEST, may_be_nan=False), {}).tobytes()
        try:
            value = parse_json(text.decode(), name=key)
        except (ValueError, InvalidInputError):
            value = None
        if hint is str and type(value) is str:
            return value
        # By type: to Python True is an int.
        if hint is not str and type(value) is list and {*map(type, value)} <= {_TEXTS[hint]}:
            return tuple(value)
        kinds = {str: "a text", tuple[str, ...]: "a list of texts"}
        wanted = kinds.get(hint, "a list of whole numbers")
        msg = f"weights: expected {key} as {wanted}, got something else"
        raise InvalidModelError(msg)


def _fields(cls: type) -> tuple[tuple[str, Any, _Array | None], ...]:
    """Return name, annotation and declaration of all fields that are kept."""
    hints = get_type_hints(cls)
    kept = (field for field in dataclasses.fields(cls) if _APART not in field.metadata)
    return tuple((field.name, hints[field.name], field.metadata.get("tensor")) for field in kept)


def _bind(names: tuple[str, ...], shape: tuple[int, ...], sizes: dict[str, int]) -> bool:
    """Return whether a shape is as declared; names that nothing was known of are then known."""
    if len(names) != len(shape):
        return False
    # One after the other: of a name that is there twice, as in a square matrix, the second counts.
    return all(
        name == "*" or n == (int(name) if name.isdecimal() else sizes.setdefault(name, n))
        for name, n in zip(names, shape, strict=True)
    )


def _check_numbers(array: np.ndarray, key: str, declared: _Array) -> None:
    """Refuse floating-point numbers that are not finite or larger than declared, up or down."""
    if array.dtype.kind != "f" or not array.size:
        return
    largest, least = array.max(), array.min()  # NaN if any is
    if declared.may_be_nan and np.isnan(largest):
        known = array[~np.isnan(array)]
        largest, least = known.max(initial=0), known.min(initial=0)
    largest = np.maximum(largest, -least)
    # Not "larger than", for NaN is refused by this as well.
    if not largest <= declared.most:
        got = f"{largest:.3g}" if np.isfinite(largest) else "some that are not finite"
        msg = f"weights: expected finite numbers up to {declared.most:g} in {key}, got {got}"
        raise InvalidModelError(msg)

"""UBJSON (ubjson.org, draft 12) as xgboost writes it: read without trust, and written."""

from collections.abc import Iterator
from struct import Struct, error
from typing import Any

import numpy as np

_NUMBERS = {"i": ">i1", "U": ">u1", "I": ">i2", "l": ">i4", "L": ">i8", "d": ">f4", "D": ">f8"}
_TYPES = {mark.encode(): np.dtype(code) for mark, code in _NUMBERS.items()}
_MARKS = {kind: mark for mark, kind in _TYPES.items()}
_STRUCTS = {
    b"i": Struct(">b"),
    b"U": Struct(">B"),
    b"I": Struct(">h"),
    b"l": Struct(">i"),
    b"L": Struct(">q"),
    b"d": Struct(">f"),
    b"D": Struct(">d"),
}
_CONSTANTS = {b"Z": None, b"T": True, b"F": False}
_LENGTH = _STRUCTS[b"L"]
_DEEPEST = 32
_BYTES_A_VALUE = 8
"""A document has fewer values than its size over this, and some: a value costs many bytes in
Python, and may be a single one in a file."""


class _Reader:
    """A cursor over bytes."""

    def __init__(self, content: bytes) -> None:
        self.content, self.at = content, 0
        self.values_left = 1000 + len(content) // _BYTES_A_VALUE

    def take(self, size: int) -> bytes:
        start = self.at
        self.at += size
        # A length is eight bytes of a file: negative ones would go back.
        if size < 0 or self.at > len(self.content):
            raise ValueError(self.ends_early)
        return self.content[start : self.at]

    @property
    def ends_early(self) -> str:
        return f"{len(self.content)} bytes that end inside a value"

    def value(self, depth: int = 0) -> Any:
        mark = self.take(1)
        self.values_left -= 1
        if depth > _DEEPEST or self.values_left < 0:
            msg = "values nested too deeply" if depth > _DEEPEST else "too many values"
            raise ValueError(msg)
        if mark in _STRUCTS:
            return self.number(_STRUCTS[mark])
        if mark == b"{":
            return self.object(depth)
        if mark == b"[":
            return self.array(depth)
        if mark == b"S":
            return self.text()
        if mark in _CONSTANTS:
            return _CONSTANTS[mark]
        msg = f"the mark {mark!r} at byte {self.at - 1}"
        raise ValueError(msg)

    def number(self, kind: Struct) -> Any:
        start = self.at
        self.at += kind.size
        return kind.unpack_from(self.content, start)[0]

    def text(self) -> str:
        return self.take(self.length()).decode()

    def length(self) -> int:
        mark = self.take(1)
        if mark != b"L":  # xgboost knows no other
            msg = f"the mark {mark!r} for a length at byte {self.at - 1}"
            raise ValueError(msg)
        return int(self.number(_LENGTH))

    def peek(self) -> bytes:
        return self.content[self.at : self.at + 1]

    def array(self, depth: int) -> Any:
        kind = None
        if self.peek() == b"$":
            # No other types: of those without bytes, null or true, a few bytes would be any length.
            kind = _TYPES[self.take(2)[1:]]
        if self.peek() != b"#" and kind is None:
            return list(self.until(b"]", depth))
        self.take(1)
        size = self.length()
        if kind is not None:
            return np.frombuffer(self.take(size * kind.itemsize), kind)
        # Before a list of that length is begun.
        if not 0 <= size <= self.values_left:
            msg = f"an array of {size} values"
            raise ValueError(msg)
        return [self.value(depth + 1) for _ in range(size)]

    def until(self, end: bytes, depth: int) -> Iterator[Any]:
        while self.peek() != end:
            yield self.value(depth + 1)
        self.at += 1

    def object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while self.peek() != b"}":
            name = self.text()
            if name in found:
                msg = f"the name {name!r} twice in one object"
                raise ValueError(msg)
            found[name] = self.value(depth + 1)
        self.at += 1
        return found


def read_ubjson(content: bytes) -> Any:
    """Return a UBJSON document: typed arrays of numbers as numpy arrays, the rest as in JSON.

    Raises:
        ValueError: If it is not one, or bytes are left over.
    """
    reader = _Reader(content)
    try:
        document = reader.value()
    except (error, KeyError) as problem:
        msg = reader.ends_early if isinstance(problem, error) else f"an array of {problem}"
        raise ValueError(msg) from None
    if reader.at != len(content):
        msg = f"{len(content) - reader.at} bytes after the end"
        raise ValueError(msg)
    return document


def write_ubjson(document: Any) -> bytes:
    """Return a document as UBJSON: objects, lists, text, integers, and arrays of numbers."""
    parts: list[bytes] = []
    _write(document, parts)
    return b"".join(parts)


def _write(value: Any, parts: list[bytes]) -> None:
    if isinstance(value, np.ndarray):
        kind = value.dtype.newbyteorder(">")
        parts += b"[$", _MARKS[kind], b"#L", _LENGTH.pack(len(value))
        parts.append(value.astype(kind, copy=False).tobytes())
    elif isinstance(value, str):
        parts.append(b"SL" + _sized(value))
    elif isinstance(value, int):
        parts.append(b"L" + _LENGTH.pack(value))
    elif isinstance(value, dict):
        parts.append(b"{")
        for name, item in value.items():
            parts.append(b"L" + _sized(name))
            _write(item, parts)
        parts.append(b"}")
    else:
        parts.append(b"[#L" + _LENGTH.pack(len(value)))
        for item in value:
            _write(item, parts)


def _sized(text: str) -> bytes:
    content = text.encode()
    return _LENGTH.pack(len(content)) + content

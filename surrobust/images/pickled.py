"""The values in a pickle of numbers, text and numpy arrays, read without running it.

A pickle is a program, and ``pickle.load`` runs it with every function that it names. Here its
instructions are listed by the standard library's ``pickletools`` and a few of them understood:
those that put together dictionaries, lists, tuples, text, numbers and numpy's arrays. Names of
functions stay text; anything else is refused.
"""

import io
import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InvalidInputError

_MARK = object()
_IGNORED = {"PROTO", "FRAME", "STOP"}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_ARRAYS = {"numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct"}
_DTYPE, _ENCODE, _ARRAY_TYPE = "numpy dtype", "_codecs encode", "numpy ndarray"


@dataclass(frozen=True)
class _Name:
    """A function or class that the pickle names."""

    text: str


@dataclass
class _Array:
    """An array that is being put together."""

    value: np.ndarray | None = None


class _Reader:
    """A stack, a memory, and what each instruction does to them."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memory: dict[int, Any] = {}

    def run(self, content: bytes) -> Any:
        """Return what the pickle says."""
        for code, argument, _ in pickletools.genops(io.BytesIO(content)):
            self._do(code.name, argument)
        return self._settled(self.stack[-1])

    def _do(self, name: str, argument: Any) -> None:
        if name in _IGNORED:
            return
        if name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _MADE:
            self.stack.append(_MADE[name]())
        elif name == "GLOBAL":
            self.stack.append(_Name(argument))
        elif name in _ACTIONS:
            _ACTIONS[name](self, argument)
        elif argument is not None and name.removeprefix("SHORT_").startswith(_LITERALS):
            self.stack.append(argument)
        else:
            msg = f"the instruction {name}"
            raise ValueError(msg)

    def put(self, number: int | None) -> None:
        """Remember the top of the stack."""
        self.memory[len(self.memory) if number is None else number] = self.stack[-1]

    def pop_to_mark(self) -> list[Any]:
        """Return what lies above the last mark."""
        place = len(self.stack) - 1 - self.stack[::-1].index(_MARK)
        items, self.stack[place:] = self.stack[place + 1 :], []
        return items

    def collect(self, n: int) -> None:
        """Put the last ``n`` values into a tuple."""
        items = self.stack[len(self.stack) - n :]
        del self.stack[len(self.stack) - n :]
        self.stack.append(tuple(items))

    def store(self, items: list[Any]) -> None:
        """Put keys and values into the dictionary below them."""
        keys = [key.decode() if isinstance(key, bytes) else key for key in items[::2]]
        values = [self._settled(value) for value in items[1::2]]
        self.stack[-1].update(zip(keys, values, strict=True))

    def name(self) -> None:
        """Join module and name."""
        name, module = self.stack.pop(), self.stack.pop()
        self.stack.append(_Name(f"{module} {name}"))

    def reduce(self) -> None:
        """Call what is known by name."""
        arguments, function = self.stack.pop(), self.stack.pop()
        text = function.text if isinstance(function, _Name) else ""
        if text in _ARRAYS:
            self.stack.append(_Array())
        elif text == _DTYPE:
            self.stack.append(np.dtype(str(arguments[0])))
        # Protocols up to 2 have no bytes: Python 3 writes them as text in latin-1.
        elif text == _ENCODE:
            self.stack.append(arguments[0].encode("latin1"))
        else:
            msg = f"a call of {text or type(function).__name__}"
            raise ValueError(msg)

    def build(self) -> None:
        """Fill an array; a type of plain bytes needs nothing more."""
        state, target = self.stack.pop(), self.stack[-1]
        if isinstance(target, _Array):
            # What ndarray.__setstate__ takes: version, shape, type, order, bytes.
            _, shape, dtype, is_fortran, content = state
            # The bytes of such an array would be taken for addresses.
            if dtype.hasobject:
                msg = "an array of objects"
                raise ValueError(msg)
            # A str of Python 2, which pickletools reads as latin-1: a code point is a byte.
            raw = content.encode("latin1") if isinstance(content, str) else content
            target.value = np.frombuffer(raw, dtype=dtype).reshape(
                shape, order="F" if is_fortran else "C"
            )
        elif not isinstance(target, np.dtype):
            msg = "an object"
            raise ValueError(msg)

    def _settled(self, value: Any) -> Any:
        return value.value if isinstance(value, _Array) else value


_LITERALS = (
    *("INT", "BININT", "LONG", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "BINBYTES", "UNICODE", "BINUNICODE"),
)
_MADE: dict[str, Callable[[], Any]] = {
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "MARK": lambda: _MARK,
}
_ACTIONS: dict[str, Callable[[_Reader, Any], Any]] = {
    "BINPUT": _Reader.put,
    "LONG_BINPUT": _Reader.put,
    "PUT": _Reader.put,
    "MEMOIZE": lambda reader, _: reader.put(None),
    "BINGET": lambda reader, number: reader.stack.append(reader.memory[number]),
    "LONG_BINGET": lambda reader, number: reader.stack.append(reader.memory[number]),
    "GET": lambda reader, number: reader.stack.append(reader.memory[number]),
    "TUPLE": lambda reader, _: reader.stack.append(tuple(reader.pop_to_mark())),
    "TUPLE1": lambda reader, _: reader.collect(1),
    "TUPLE2": lambda reader, _: reader.collect(2),
    "TUPLE3": lambda reader, _: reader.collect(3),
    "APPEND": lambda reader, _: reader.stack[-2].append(reader.stack.pop()),
    "APPENDS": lambda reader, _: _extend(reader),
    "SETITEM": lambda reader, _: reader.store([reader.stack.pop(-2), reader.stack.pop()]),
    "SETITEMS": lambda reader, _: _set_items(reader),
    "STACK_GLOBAL": lambda reader, _: reader.name(),
    "REDUCE": lambda reader, _: reader.reduce(),
    "BUILD": lambda reader, _: reader.build(),
}


def _extend(reader: _Reader) -> None:
    items = reader.pop_to_mark()
    reader.stack[-1].extend(items)


def _set_items(reader: _Reader) -> None:
    items = reader.pop_to_mark()
    reader.store(items)


def read_pickled(content: bytes, *, name: str) -> Any:
    """Return the value of a pickle of dictionaries, lists, numbers, text and numpy arrays.

    Args:
        content: Its bytes.
        name: What messages begin with.

    Raises:
        InvalidInputError: If it is damaged, or says anything else.
    """
    try:
        return _Reader().run(content)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError) as error:
        msg = f"{name}: expected a pickle of numbers and arrays, got {error}"
        raise InvalidInputError(msg) from None

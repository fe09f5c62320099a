"""The written forms of a cell. Each reader is the inverse of its writer for all 15625 cells."""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .._checks import brief
from ..errors import InvalidArchitectureError
from ._canonical import EDGES, OPS
from ._order import N_EDGES, N_OPS

Ops = tuple[int, ...]

_N_CELLS = N_OPS**N_EDGES

# NASLib numbers the ops its own way and orders the edges by source.
_NASLIB_OPS = ("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3")
_TO_NASLIB = tuple(_NASLIB_OPS.index(op) for op in OPS)
_FROM_NASLIB = tuple(OPS.index(op) for op in _NASLIB_OPS)
_BY_SOURCE = tuple(EDGES.index(edge) for edge in sorted(EDGES))

# NNI leaves out the "nor_" of the convolutions.
_NNI_OPS = tuple(op.removeprefix("nor_") for op in OPS)

_EDGE_NAMES = tuple(f"{source}->{target}" for source, target in EDGES)
_NNI_NAMES = tuple(f"{source}_{target}" for source, target in EDGES)
_SYNE_TUNE_NAMES = tuple(f"hp_x{position}" for position in range(N_EDGES))

_WORDS = (
    "a genotype |op~0|+|op~0|op~1|+|op~0|op~1|op~2|, an index 0..15624 or a code of six digits 0..4"
)


def _fail(expected: str, got: object) -> InvalidArchitectureError:
    told = got if isinstance(got, _Words) else brief(got)
    return InvalidArchitectureError(f"architecture: expected {expected}, got {told}")


class _Words(str):
    """Text that goes into a message as it is, without quotes."""


def is_integer(value: Any) -> bool:
    """Return whether ``value`` is an integer, numpy's included and bool excluded."""
    if isinstance(value, bool) or type(value).__name__ in ("bool", "bool_"):
        return False
    try:
        operator.index(value)
    except TypeError:
        return False
    return True


def are_op_numbers(values: Sequence[Any]) -> bool:
    """Return whether ``values`` are six integers 0..4."""
    return len(values) == N_EDGES and all(type(v) is int and 0 <= v < N_OPS for v in values)


def check_index(value: Any) -> int:
    """Return ``value`` as an int 0..15624, or raise."""
    if not is_integer(value):
        raise _fail(_WORDS, value)
    number = operator.index(value)
    if 0 <= number < _N_CELLS:
        return number
    hint = " (a code is written as text)" if re.fullmatch(r"[0-4]{6}", str(number)) else ""
    raise _fail(f"an index 0..{_N_CELLS - 1}", _Words(f"{brief(number)}{hint}"))


def parse_index(text: str) -> int:
    """Read an index from decimal digits."""
    if text != str(int(text[:20])):
        raise _fail(f"an index 0..{_N_CELLS - 1} or a code of six digits 0..4", text)
    return check_index(int(text))


def parse_code(text: str) -> Ops:
    """Read six digits 0..4."""
    for position, digit in enumerate(text):
        if int(digit) >= N_OPS:
            raise _fail(
                f"a digit 0..4 for edge {_EDGE_NAMES[position]}", _Words(f"{digit!r} in {text!r}")
            )
    return tuple(map(int, text))


def format_genotype(ops: Ops) -> str:
    """Write the published text."""
    nodes = []
    for node in (1, 2, 3):
        inputs = [f"{OPS[op]}~{s}" for (s, t), op in zip(EDGES, ops, strict=True) if t == node]
        nodes.append(f"|{'|'.join(inputs)}|")
    return "+".join(nodes)


def parse_genotype(text: str) -> Ops:
    """Read the published text; the order inside a node and white space do not matter."""
    if not text or not ("~" in text or "|" in text):
        raise _fail(_WORDS, text) if text else _fail(_WORDS, _Words("nothing"))
    nodes = text.split("+")
    if len(nodes) != 3:
        raise _fail("three nodes joined by +", _Words(f"{len(nodes)} in {brief(text)}"))
    found: dict[tuple[int, int], int] = {}
    for target, node in enumerate(nodes, start=1):
        for part in node.strip().strip("|").split("|"):
            source, op = _parse_input(part, target)
            if (source, target) in found:
                raise _fail(f"edge {source}->{target} once", _Words(f"it twice in {brief(text)}"))
            found[source, target] = op
    return tuple(found[edge] for edge in EDGES) if len(found) == N_EDGES else _missing(found, text)


def _parse_input(part: str, target: int) -> tuple[int, int]:
    match = re.fullmatch(r"\s*([^~]*?)\s*~\s*([0-9])\s*", part)
    if match is None:
        raise _fail(f"op~source as an input of node {target}", part)
    op, source = match[1], int(match[2])
    if source >= target:
        raise _fail(f"a source 0..{target - 1} for node {target}", _Words(f"{source} in {part!r}"))
    return source, _op_number(op, OPS, f"{source}->{target}")


def _missing(found: Mapping[tuple[int, int], int], text: str) -> Ops:
    source, target = next(edge for edge in EDGES if edge not in found)
    raise _fail(f"an op on edge {source}->{target}", _Words(f"none there in {brief(text)}"))


def _op_number(op: Any, names: Sequence[str], where: str) -> int:
    if not isinstance(op, str) or op not in names:
        raise _fail(f"one of {' '.join(names)} on edge {where}", op)
    return names.index(op)


def to_op_indices(ops: Ops) -> Ops:
    """Write NASLib's tuple."""
    return tuple(_TO_NASLIB[ops[position]] for position in _BY_SOURCE)


def from_op_indices(values: Any) -> Ops:
    """Read NASLib's tuple."""
    if not isinstance(values, list | tuple) or len(values) != N_EDGES:
        raise _fail("six integers 0..4 as op_indices", values)
    numbers = []
    for value in values:
        if not is_integer(value) or not 0 <= value < N_OPS:
            raise _fail("six integers 0..4 as op_indices", values)
        numbers.append(operator.index(value))
    ops = [0] * N_EDGES
    for position, value in zip(_BY_SOURCE, numbers, strict=True):
        ops[position] = _FROM_NASLIB[value]
    return tuple(ops)


def to_edges(ops: Ops) -> dict[str, str]:
    """Write op names by edge."""
    return {name: OPS[op] for name, op in zip(_EDGE_NAMES, ops, strict=True)}


def ambiguity(values: Sequence[Any]) -> str:
    """Say what is wrong with a bare list: for six integers, show both readings."""
    values = tuple(values)
    if not are_op_numbers(values):
        return f"architecture: expected {_WORDS}, got {brief(list(values))}"
    naslib = format_genotype(from_op_indices(values))
    return (
        f"architecture: expected an unambiguous form, got {list(values)}: "
        f'as {{"op_indices": ...}} (NASLib) it is {naslib}, '
        f'as code "{"".join(map(str, values))}" it is {format_genotype(values)}'
    )


def parse_mapping(mapping: Mapping[Any, Any], nested: Callable[[Any], Ops]) -> dict[str, Ops]:
    """Read every form that an object carries.

    Args:
        mapping: The object.
        nested: Reads the value of ``architecture`` or ``arch``.

    Returns:
        Ops by the name of the form; not empty.
    """
    readings: dict[str, Ops] = {}
    for key in ("architecture", "arch"):
        if key in mapping:
            readings[key] = nested(mapping[key])
    if "op_indices" in mapping:
        readings["op_indices"] = from_op_indices(mapping["op_indices"])
    if "edges" in mapping:
        if not isinstance(mapping["edges"], Mapping):
            raise _fail('an object {"0->1": op, ...} as edges', mapping["edges"])
        readings["edges"] = _named(mapping["edges"], _EDGE_NAMES, OPS, only=True)
    if any(name in mapping for name in _NNI_NAMES):
        readings["NNI edges"] = _named(mapping, _NNI_NAMES, _NNI_OPS)
    if any(name in mapping for name in _SYNE_TUNE_NAMES):
        readings["hp_x"] = _named(mapping, _SYNE_TUNE_NAMES, OPS)
    if not readings:
        keys = ", ".join(str(key) for key in mapping) or "no keys"
        expected = "an object with architecture, op_indices, edges, 0_1 ... 2_3 or hp_x0 ... hp_x5"
        raise _fail(expected, _Words(f"one with {brief(_Words(keys))}"))
    return readings


def _named(
    mapping: Mapping[Any, Any], names: Sequence[str], ops: Sequence[str], *, only: bool = False
) -> Ops:
    unknown = [key for key in mapping if only and key not in names]
    if unknown:
        raise _fail(f"the edges {' '.join(names)}", unknown[0])
    for name in names:
        if name not in mapping:
            raise _fail(f"an op for {name}", _Words("an object without it"))
    return tuple(_op_number(mapping[name], ops, name) for name in names)

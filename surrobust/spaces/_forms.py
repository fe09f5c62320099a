"""The written forms of a cell. Each reader is the inverse of its writer for all 15625 cells."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .._checks import brief
from .._files import parse_json
from ..errors import InvalidArchitectureError, InvalidInputError
from ._canonical import EDGES, N_EDGES, N_OPS, OPS, ordered_codes

Ops = tuple[int, ...]

N_CELLS = N_OPS**N_EDGES

# NASLib numbers the ops its own way and orders the edges by source.
_NASLIB_OPS = ("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3")
_TO_NASLIB = tuple(_NASLIB_OPS.index(op) for op in OPS)
_FROM_NASLIB = tuple(OPS.index(op) for op in _NASLIB_OPS)
_BY_SOURCE = tuple(EDGES.index(edge) for edge in sorted(EDGES))

_NUMBERS = {op: number for number, op in enumerate(OPS)}
# Objects may leave out the "nor_" of the convolutions, as NNI does; genotypes have one spelling.
_NUMBERS_OF_OBJECTS = {op.removeprefix("nor_"): n for op, n in _NUMBERS.items()} | _NUMBERS

_EDGE_NAMES = tuple(f"{source}->{target}" for source, target in EDGES)
_NNI_NAMES = tuple(f"{source}_{target}" for source, target in EDGES)
_SYNE_TUNE_NAMES = tuple(f"hp_x{position}" for position in range(N_EDGES))
_NAMES = {name: names for names in (_EDGE_NAMES, _NNI_NAMES, _SYNE_TUNE_NAMES) for name in names}
# NNI's hub puts the label of the cell in front, Syne Tune's and Optuna's tables a word.
_LABELLED = re.compile(r"(?:(.*(?:/|__)|config_|params_))?(\d_\d|\d->\d|hp_x\d)", re.ASCII)

WRITTEN = ("architecture", "arch", "arch_str", "genotype")
"""Keys and columns that hold a genotype, an index or a code."""

OPENINGS = ("{", "[", "(")
"""What a form that is JSON begins with; Python's tuples are told what is wrong with them."""

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
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def plain(value: Any) -> Any:
    """Return numbers of arrays and tensors as Python's, and a ``Structure`` as its text.

    The authors' ``Structure`` of NAS-Bench-201, which other tools have copied, writes itself by
    ``tostr``.

    Raises:
        InvalidArchitectureError: If that fails.
    """
    try:
        methods = (getattr(value, name, None) for name in ("tostr", "tolist"))
        method = None if isinstance(value, type) else next(filter(callable, methods), None)
        return value if method is None else method()
    except Exception:
        raise _fail(_WORDS, value) from None


def are_op_numbers(values: Sequence[Any]) -> bool:
    """Return whether ``values`` are six integers 0..4."""
    # By ``type``: True is an instance of int, too.
    return len(values) == N_EDGES and all(type(v) is int and 0 <= v < N_OPS for v in values)


def check_index(value: Any) -> int:
    """Return ``value`` as an int 0..15624, or raise."""
    if not is_integer(value):
        raise _fail(_WORDS, value)
    number = int(value)
    if 0 <= number < N_CELLS:
        return number
    # Six digits alone: a code with zeros in front is a smaller number, and maybe an index.
    is_code = 0 < number < 10**N_EDGES and re.fullmatch(r"[0-4]{6}", str(number))
    hint = " (a code is written as text)" if is_code else ""
    raise _fail(f"an index 0..{N_CELLS - 1}", _Words(f"{brief(number)}{hint}"))


def parse_index(text: str) -> int:
    """Read an index from decimal digits."""
    # 20 digits are more than any index has; Python refuses to read thousands.
    if text != str(int(text[:20])):
        raise _fail(f"an index 0..{N_CELLS - 1} or a code of six digits 0..4", text)
    return check_index(int(text))


def parse_code(text: str) -> Ops:
    """Read six digits 0..4."""
    for position, digit in enumerate(text):
        if int(digit) >= N_OPS:
            may_be_index = int(text) < N_CELLS
            hint = f"; an index that is padded is written {_as_index(text)}" if may_be_index else ""
            raise _fail(
                f"a digit 0..4 for edge {_EDGE_NAMES[position]}",
                _Words(f"{digit!r} in {text!r}{hint}"),
            )
    return tuple(map(int, text))


def _as_index(text: str) -> str:
    return f'{{"index": {int(text)}}}, or stands in a column index'


def _named_code(value: Any) -> Ops:
    """Read a code that is called one: as a number, its leading zeros are restored."""
    if is_integer(value) and 0 <= value < 10**N_EDGES:
        value = f"{int(value):0{N_EDGES}}"
    if not isinstance(value, str) or re.fullmatch(r"[0-9]{6}", value.strip()) is None:
        raise _fail("a code of six digits 0..4 as code", value)
    return parse_code(value.strip())


def format_genotype(ops: Ops) -> str:
    """Write the published text."""
    # Edges are ordered by target, and within a node by source, as the text has them.
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
    return source, _op_number(op, _NUMBERS, f"{source}->{target}")


def _missing(found: Mapping[tuple[int, int], int], text: str) -> Ops:
    source, target = next(edge for edge in EDGES if edge not in found)
    raise _fail(f"an op on edge {source}->{target}", _Words(f"none there in {brief(text)}"))


def _op_number(op: Any, numbers: Mapping[str, int], where: str) -> int:
    if not isinstance(op, str) or op not in numbers:
        raise _fail(f"one of {' '.join(OPS)} on edge {where}", op)
    return numbers[op]


def to_op_indices(ops: Ops) -> Ops:
    """Write NASLib's tuple."""
    return tuple(_TO_NASLIB[ops[position]] for position in _BY_SOURCE)


def from_op_indices(values: Any) -> Ops:
    """Read NASLib's tuple, also as an array."""
    found = plain(values)
    found = [plain(value) for value in found] if isinstance(found, list | tuple) else []
    if len(found) != N_EDGES or not all(is_integer(v) and 0 <= v < N_OPS for v in found):
        raise _fail("six integers 0..4 as op_indices", values)
    # Their positions are by source, ours by target, and the numbers of ops differ as well.
    ops = [0] * N_EDGES
    for position, value in zip(_BY_SOURCE, found, strict=True):
        ops[position] = _FROM_NASLIB[value]
    return tuple(ops)


def to_edges(ops: Ops) -> dict[str, str]:
    """Write op names by edge."""
    return {name: OPS[op] for name, op in zip(_EDGE_NAMES, ops, strict=True)}


def ambiguity(values: Sequence[Any]) -> str:
    """Say what is wrong with a bare list: for six integers, show both readings."""
    values = tuple(map(plain, values))
    if not are_op_numbers(values):
        return f"architecture: expected {_WORDS}, got {brief(list(values))}"
    naslib = format_genotype(from_op_indices(values))
    return (
        f"architecture: expected an unambiguous form, got {list(values)}: "
        f'as {{"op_indices": ...}} (NASLib) it is {naslib}, '
        f'as code "{"".join(map(str, values))}" it is {format_genotype(values)}'
    )


def parse_json_text(text: str) -> Any:
    """Read an object or a list; a tuple as Python prints it counts as a list.

    Raises:
        InvalidArchitectureError: If it is not JSON.
    """
    if text.startswith("(") and text.endswith(")"):
        text = f"[{text[1:-1]}]"
    try:
        return parse_json(text, name="architecture")
    except InvalidInputError as error:
        raise InvalidArchitectureError(str(error)) from None


def is_key(name: str) -> bool:
    """Return whether an object may have this key, or a CSV this column, for an architecture."""
    return name in (*WRITTEN, "code", "index", "op_indices", "edges") or _label(name) is not None


def _label(key: Any) -> tuple[str, str] | None:
    """Split a key into what stands in front and the name of an edge; None if it is none."""
    match = _LABELLED.fullmatch(key) if isinstance(key, str) else None
    return (match[1] or "", match[2]) if match and match[2] in _NAMES else None


def parse_mapping(mapping: Mapping[Any, Any], nested: Callable[[Any], Ops]) -> dict[str, Ops]:
    """Read every form that an object carries.

    Args:
        mapping: The object.
        nested: Reads the value of ``architecture`` and the other keys of :data:`WRITTEN`.

    Returns:
        Ops by the name of the form; not empty. The index is read where there is nothing else.
    """
    readings = {key: nested(mapping[key]) for key in WRITTEN if key in mapping}
    if "code" in mapping:
        readings["code"] = _named_code(mapping["code"])
    if "op_indices" in mapping:
        readings["op_indices"] = from_op_indices(mapping["op_indices"])
    if "edges" in mapping:
        if not isinstance(mapping["edges"], Mapping):
            raise _fail('an object {"0->1": op, ...} as edges', mapping["edges"])
        readings["edges"] = _named(mapping["edges"], _EDGE_NAMES, only=True)
    readings |= _parse_labelled(mapping)
    if not readings and "index" in mapping:
        if not is_integer(mapping["index"]):
            raise _fail(f"an index 0..{N_CELLS - 1} as index", mapping["index"])
        readings["index"] = ordered_codes()[check_index(mapping["index"])]
    if not readings:
        keys = ", ".join(map(_key_text, mapping)) or "no keys"
        expected = (
            "an object with architecture, index, code, op_indices, edges, 0_1 ... 2_3 or "
            "hp_x0 ... hp_x5"
        )
        raise _fail(expected, _Words(f"one with {brief(_Words(keys))}"))
    return readings


def _key_text(key: Any) -> str:
    return key if isinstance(key, str) else brief(key)


def _parse_labelled(mapping: Mapping[Any, Any]) -> dict[str, Ops]:
    """Read ops that stand edge by edge in an object, for each label in front of the edges."""
    found: dict[tuple[str, tuple[str, ...]], dict[str, Any]] = {}
    for key, op in mapping.items():
        if parts := _label(key):
            label, name = parts
            found.setdefault((label, _NAMES[name]), {})[name] = op
    return {f"{label}{names[0]}": _named(ops, names) for (label, names), ops in found.items()}


def _named(mapping: Mapping[Any, Any], names: Sequence[str], *, only: bool = False) -> Ops:
    unknown = [key for key in mapping if only and key not in names]
    if unknown:
        raise _fail(f"the edges {' '.join(names)}", unknown[0])
    for name in names:
        if name not in mapping:
            raise _fail(f"an op for {name}", _Words("an object without it"))
    return tuple(_op_number(mapping[name], _NUMBERS_OF_OBJECTS, name) for name in names)

"""The layouts in which the tables are published, read strictly.

A *page copy* is the script behind NAS-RobBench-201's project page: ``acc={...}``, a JSON object
from architecture index to a row of numbers or to the index of its representative; the key ``""``
has the column names. A *NASLib CSV* has one line per cell, ``"(4, 0, 3, 1, 4, 3)",number,...``.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ..._checks import brief
from ..._files import parse_json, read_json
from ...errors import InvalidArchitectureError, InvalidInputError
from ...spaces import Architecture, NASBench201, representatives_by_index
from ...typing import FloatArray

_PREFIX = "acc="
_KEY_LENGTH = len('"(0, 0, 0, 0, 0, 0)"')


def layout_error(name: str, expected: str, got: str) -> InvalidInputError:
    """Return the error of a file that is not laid out as published."""
    return InvalidInputError(f"{name}: expected {expected}, got {got}")


def decode_copy(content: bytes, *, name: str) -> str:
    """Return UTF-8 text."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise layout_error(name, "UTF-8 text", "other bytes") from None


def read_page_copy(content: bytes, *, name: str, columns: Sequence[str]) -> FloatArray:
    """Read a page copy.

    Args:
        content: The file's bytes.
        name: What messages begin with.
        columns: The column names it must have.

    Returns:
        Values ``(6466, len(columns))``, rows by ascending representative index.

    Raises:
        InvalidInputError: If it is laid out otherwise, a row or cell is missing, or an entry of
            the map to representatives differs from ours.
    """
    text = decode_copy(content, name=name)
    if not text.startswith(_PREFIX):
        raise layout_error(name, f"a text that begins with {_PREFIX}{{", brief(text[:20]))
    document = parse_json(text[len(_PREFIX) :], name=name)
    if not isinstance(document, dict):
        raise layout_error(name, "an object", brief(document))
    if document.get("") != list(columns):
        raise layout_error(name, f"the columns {', '.join(columns)}", brief(document.get("")))
    representatives = representatives_by_index()
    if len(document) != len(representatives) + 1:
        raise layout_error(name, f"{len(representatives)} cells", f"{len(document) - 1}")
    rows = []
    for index, representative in enumerate(representatives):
        entry = document.get(str(index))
        if representative == index:
            rows.append(check_number_row(entry, len(columns), name=f"{name}: cell {index}"))
        elif type(entry) not in (int, str) or str(entry) != str(representative):
            expected = f"its representative {representative}"
            raise layout_error(f"{name}: cell {index}", expected, brief(entry))
    return np.array(rows, dtype=np.float64)


def check_number_row(row: Any, length: int, *, name: str) -> list[float]:
    """Return a row if it is a list of so many numbers."""
    if not isinstance(row, list) or len(row) != length:
        raise layout_error(name, f"a list of {length} numbers", brief(row))
    for value in row:
        if type(value) is not float and type(value) is not int:
            raise layout_error(name, f"a list of {length} numbers", brief(value))
    return row


def read_naslib_lines(content: bytes, *, name: str, columns: Sequence[str]) -> dict[int, str]:
    """Split a NASLib CSV into its lines.

    Args:
        content: The file's bytes.
        name: What messages begin with.
        columns: The names of the header after the first, ``net``.

    Returns:
        What follows the key on each line, by architecture index.

    Raises:
        InvalidInputError: If the header or a key is another, or a cell is there twice.
    """
    lines = decode_copy(content, name=name).split("\n")
    if lines[0] != ",".join(("net", *columns)):
        raise layout_error(name, f"the header net,{','.join(columns)}", brief(lines[0]))
    if lines.pop() != "":
        raise layout_error(name, "a newline at the end", "a part of a line")
    index_of = _indices_by_key()
    rests: dict[int, str] = {}
    for number, line in enumerate(lines[1:], start=2):
        index = index_of.get(line[:_KEY_LENGTH])
        if index is None or line[_KEY_LENGTH : _KEY_LENGTH + 1] != ",":
            raise layout_error(f"{name}, line {number}", '"(six op indices)",...', brief(line))
        if index in rests:
            raise layout_error(f"{name}, line {number}", "each cell once", f"cell {index} again")
        rests[index] = line[_KEY_LENGTH + 1 :]
    return rests


def check_all_cells(rows: Mapping[int, Any], *, name: str) -> None:
    """Raise unless there is a row for each of the 15625 cells."""
    if len(rows) != len(NASBench201()):
        raise layout_error(name, f"{len(NASBench201())} cells", f"{len(rows)}")


def parse_numbers(text: str, length: int, *, name: str) -> list[float]:
    """Read so many numbers, separated by commas."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise layout_error(name, "numbers", brief(text)) from None
    if len(numbers) != length:
        raise layout_error(name, f"{length} numbers", f"{len(numbers)}")
    return numbers


@cache
def _indices_by_key() -> dict[str, int]:
    space = NASBench201()
    return {f'"{space[index].op_indices}"': index for index in range(len(space))}


def read_meta(path: Path) -> dict[str, Any]:
    """Read ``meta.json`` and check that its cells and representatives are ours.

    Raises:
        InvalidInputError: If it is missing or laid out otherwise, or a cell or representative
            differs from NAS-Bench-201's order and isomorphism classes.
    """
    document = read_json(path)
    cells = document.get("ids") if isinstance(document, dict) else None
    representatives = representatives_by_index()
    if not isinstance(cells, dict) or len(cells) != len(representatives):
        raise layout_error(str(path), f"an object with {len(representatives)} ids", "another")
    for index, representative in enumerate(representatives):
        entry = cells.get(str(index))
        if not isinstance(entry, dict) or not _is_genotype_of(index, entry.get("nb201-string")):
            raise layout_error(f"{path}: id {index}", "its nb201-string", brief(entry))
        if str(entry.get("isomorph")) != str(representative):
            got = brief(entry.get("isomorph"))
            raise layout_error(f"{path}: id {index}", f"the isomorph {representative}", got)
    return document


def _is_genotype_of(index: int, text: Any) -> bool:
    try:
        return isinstance(text, str) and Architecture.parse(text).index == index
    except InvalidArchitectureError:
        return False

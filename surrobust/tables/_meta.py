"""``meta.json``, which both benchmarks' official downloads have."""

from pathlib import Path
from typing import Any

from .._checks import brief
from .._files import read_json
from ..errors import InvalidArchitectureError
from ..spaces import Architecture, representatives_by_index
from ._formats import layout_error


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

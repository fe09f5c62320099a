"""What a report is about, read from files: a search, verification records, or both."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._files import exists, is_file, is_folder, shown
from ..errors import InvalidInputError
from ..searches import SearchResult, read_result
from ..searches.result import FILE_NAME
from ..tables import read_records
from ..typing import AnyPath
from .gradients import read_gradient

GRADIENT = Path("gradient", "gradient.json")
"""Where a search by gradients keeps its outcome, inside its folder."""


@dataclass(frozen=True, slots=True)
class Material:
    """What a report is about.

    Args:
        result: A search; None if there is none.
        records: Verification records by the name of their file.
        folder: Where the report goes unless said otherwise.
        gradient: What a gradient search of the folder wrote; None if there was none.
    """

    result: SearchResult | None
    records: dict[str, list[dict[str, Any]]]
    folder: Path
    gradient: dict[str, Any] | None = None


def read_material(place: AnyPath) -> Material:
    """Read a folder with ``search.json`` or ``*.jsonl`` in it, or one such file.

    Raises:
        InvalidInputError: If there is neither, or a file is damaged.
    """
    path = Path(place)
    outcome = path / GRADIENT
    if is_folder(path):
        search, lines = path / FILE_NAME, sorted(path.glob("*.jsonl"))
        files = [search] if search.is_file() else []
    else:
        files = [path] if path.suffix == ".json" else []
        lines = [] if files else [path]
    has_gradient = is_file(outcome)
    if not exists(path) or not (files + lines or has_gradient):
        msg = f"report: expected a folder with {FILE_NAME} or *.jsonl, or one such file"
        msg += f", got {shown(path)}"
        raise InvalidInputError(msg)
    records = {file.name: read_records(file) for file in lines}
    records = {name: found for name, found in records.items() if found}
    if not (files or records or has_gradient):
        msg = f"report: expected verification records, got none in {path}"
        raise InvalidInputError(msg)
    result = read_result(files[0]) if files else None
    gradient = read_gradient(outcome) if has_gradient else None
    return Material(result, records, path if path.is_dir() else path.parent, gradient)

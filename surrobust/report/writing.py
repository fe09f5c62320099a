"""From the files of a folder, a search, verification records or both, to one HTML file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._files import write_text
from .._places import exists, is_file, is_folder, shown
from .._version import __version__
from ..errors import InvalidInputError
from ..searches import SearchResult, read_result
from ..searches.result import SEARCH_FILE
from ..tables import read_records
from ..typing import AnyPath
from . import markup
from .gradients import gradient_section, read_gradient
from .searching import search_sections
from .verifying import record_sections

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
        search, lines = path / SEARCH_FILE, sorted(path.glob("*.jsonl"))
        files = [search] if search.is_file() else []
    else:
        files = [path] if path.suffix == ".json" else []
        lines = [] if files else [path]
    has_gradient = is_file(outcome)
    if not exists(path) or not (files + lines or has_gradient):
        msg = f"report: expected a folder with {SEARCH_FILE} or *.jsonl, or one such file"
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


REPORT_FILE = "report.html"
"""The file's name inside the folder."""


def write_report(
    place: AnyPath, *, out: AnyPath | None = None, data_dir: AnyPath | None = None
) -> Path:
    """Write the report of a search or of verification records, and return its path.

    Args:
        place: A folder with ``search.json`` or ``*.jsonl`` in it, or one such file.
        out: The file to write; None is ``report.html`` in that folder.
        data_dir: Where the tables are, for measured values; None looks in the usual places.

    Raises:
        InvalidInputError: If there is nothing to report, or a file is damaged.
        ChecksumError: If a table's file is not the published one.
    """
    material = read_material(place)
    path = Path(out) if out is not None else material.folder / REPORT_FILE
    write_text(path, make_report(material, data_dir=data_dir))
    return path


def make_report(material: Material, *, data_dir: AnyPath | None = None) -> str:
    """Return the report as HTML."""
    sections = []
    if material.result is not None:
        sections += search_sections(material.result, data_dir=data_dir)
    if material.gradient is not None:
        sections.append(gradient_section(material.gradient))
    for name, records in material.records.items():
        sections += record_sections(name, records)
    sections.append(markup.paragraph(f"Written by surrobust {__version__}.", note=True))
    return markup.page(_title(material), sections)


def _title(material: Material) -> str:
    if material.result is not None:
        return f"Search: {material.result.target or 'own objective'}"
    if material.gradient is not None:
        return f"Gradient search: {material.gradient['strategy']}"
    return f"Verification: {', '.join(material.records)}"

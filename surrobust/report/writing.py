"""From what a folder holds to one HTML file."""

from pathlib import Path

from .._files import write_text
from .._version import __version__
from ..typing import AnyPath
from . import markup
from .gradients import gradient_section
from .reading import Material, read_material
from .searching import search_sections
from .verifying import record_sections

FILE_NAME = "report.html"
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
    path = Path(out) if out is not None else material.folder / FILE_NAME
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

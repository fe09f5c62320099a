"""A finding: numbers as a table, their figure, one sentence; made and written part by part."""

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._checks import check_choice
from .._files import write_bytes, write_text
from ..typing import AnyPath
from .measured import PairedAccuracies


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer of an analysis.

    Args:
        name: Stem of its files.
        headline: One sentence with the figures that matter most.
        columns: Names of the table's columns.
        rows: Of the table; accuracies are fractions, NaN where a number has no meaning.
        draw: Draws it on a matplotlib figure; None where the table says it all.
        size: Width and height of the figure in inches.
    """

    name: str
    headline: str
    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    draw: Callable[[Any], None] | None = None
    size: tuple[float, float] = (8.0, 4.0)

    def column(self, name: str) -> list[Any]:
        """Return the values of one column, row by row."""
        place = self.columns.index(name)
        return [row[place] for row in self.rows]


@dataclass(frozen=True, slots=True)
class Part:
    """What one part found and wrote.

    Args:
        name: Of the part.
        findings: What it found.
        files: What was written of it.
    """

    name: str
    findings: tuple[Finding, ...]
    files: tuple[Path, ...]


def analyze(
    out: AnyPath,
    *,
    parts: Iterable[str] = (),
    data_dir: AnyPath | None = None,
    progress: Callable[[Part], None] | None = None,
) -> list[Part]:
    """Run parts and write each finding as ``<out>/<finding>.csv`` and ``.png``.

    Args:
        out: Folder.
        parts: Names in ``PARTS``; none means all.
        data_dir: Where the tables are; None looks in the usual places.
        progress: Called with each part once it is written.

    Raises:
        InvalidInputError: If a part is not known.
        MissingMeasurementError: If a table is not there.
    """
    from . import PARTS

    names = list(dict.fromkeys(check_choice("part", name, PARTS) for name in parts)) or list(PARTS)
    measured = PairedAccuracies(data_dir)
    done = []
    for name in names:
        findings = tuple(PARTS[name](measured))
        files = tuple(path for finding in findings for path in write_finding(out, finding))
        done.append(Part(name, findings, files))
        if progress is not None:
            progress(done[-1])
    return done


def write_finding(out: AnyPath, finding: Finding) -> list[Path]:
    """Write a finding's CSV, and its figure where matplotlib is installed."""
    written = [Path(out) / f"{finding.name}.csv"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(finding.columns)
    writer.writerows([[_cell(value) for value in row] for row in finding.rows])
    write_text(written[0], text.getvalue())
    figure = _figure(finding)
    if figure is not None:
        written.append(Path(out) / f"{finding.name}.png")
        write_bytes(written[1], figure)
    return written


def _cell(value: object) -> object:
    return f"{value:.6g}" if isinstance(value, float) else value


def _figure(finding: Finding) -> bytes | None:
    """Draw a finding as PNG; None without matplotlib or a figure."""
    if finding.draw is None:
        return None
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("matplotlib"):
            raise
        return None
    figure = Figure(figsize=finding.size, layout="constrained")
    finding.draw(figure)
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=100)
    return content.getvalue()

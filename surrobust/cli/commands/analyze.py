"""``surrobust analyze``: what the benchmarks tell about architectures, as figures and CSV."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..options import PATH, check_writable, common_options, data_dir_option, examples
from ..output import message, print_json

if TYPE_CHECKING:
    from ...analysis import Part


@click.command(
    epilog=examples(
        "analyze --out runs/analysis --part distributions --part capacity",
    )
)
@click.option(
    "--part",
    "parts",
    metavar="NAME",
    multiple=True,
    help="distributions, correlations, operations, capacity, training or noise; all by default.",
)
@click.option(
    "--out",
    type=PATH,
    default=Path("analysis"),
    show_default=True,
    help="Folder to write.",
)
@data_dir_option
@common_options(seed=False)
def analyze(parts: tuple[str, ...], out: Path, data_dir: Path | None, as_json: bool) -> None:
    """Recompute the benchmarks' analyses from their tables.

    Distributions with the level of guessing, rank correlations over all cells and in the head, the
    role of each operation on each edge, robust accuracy at equal size, what adversarial training
    changes, and retraining noise. Writes a CSV and a figure per finding.
    """
    from ...analysis import analyze as run

    check_writable(out)
    done = run(out, parts=parts, data_dir=data_dir, progress=_tell)
    if as_json:
        print_json({"out": str(out), "parts": [_document(part) for part in done]})
        return
    for part in done:
        for finding in part.findings:
            click.echo(f"{finding.name}: {finding.headline}")
    if not any(path.suffix == ".png" for part in done for path in part.files):
        message('figures left out: matplotlib is not installed (pip install "surrobust[plot]")')


def _tell(part: "Part") -> None:
    message(f"written: {', '.join(map(str, part.files))}")


def _document(part: "Part") -> dict[str, object]:
    return {
        "part": part.name,
        "files": [str(path) for path in part.files],
        "findings": [{"name": f.name, "headline": f.headline} for f in part.findings],
    }

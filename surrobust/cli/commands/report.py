"""``surrobust report``: a search or verification records as one HTML file."""

from pathlib import Path

import click

from ...errors import InvalidInputError
from ..options import PATH, check_appendable, common_options, data_dir_option, examples
from ..output import print_json


@click.command(
    epilog=examples(
        "report runs/first",
        "report runs/first/verified.jsonl --out verified.html",
    )
)
@click.argument("place", metavar="DIR|FILE", type=PATH)
@click.option(
    "--out",
    type=PATH,
    metavar="FILE",
    help="File to write; otherwise report.html in the folder.",
)
@data_dir_option
@common_options(seed=False)
def report(place: Path, out: Path | None, data_dir: Path | None, as_json: bool) -> None:
    """Write what a search or a verification found as one HTML file.

    Reads DIR/search.json and DIR/*.jsonl. What was asked, the curve of the search, the finalists
    drawn, with predicted and, where the tables are, measured values; accuracies attack by attack;
    provenance. The file needs nothing else and can be printed.
    """
    from ...report import write_report

    if out is not None:
        if out.is_dir():
            msg = f"--out: expected a file to write, got the folder {out}"
            raise InvalidInputError(msg)
        check_appendable(out)
    path = write_report(place, out=out, data_dir=data_dir)
    if as_json:
        print_json({"report": str(path)})
    else:
        click.echo(path)

"""``surrobust convert``: every written form of an architecture."""

import json
from typing import Any

import click

from ...spaces import Architecture
from ..inputs import read_architectures
from ..options import common_options, examples
from ..output import print_json

FORMS = ("genotype", "index", "code", "op_indices", "edges")


@click.command(epilog=examples("convert 2581", "convert 323133 1000 --to op_indices"))
@click.argument("given", metavar="FILE|ARCH...", nargs=-1, required=True)
@click.option("--to", "form", type=click.Choice(FORMS), help="Print this form only, one a line.")
@common_options(seed=False)
def convert(given: tuple[str, ...], form: str | None, as_json: bool) -> None:
    """Write architectures in another form, or in all of them.

    ARCH is a genotype, an index, a code of six digits or a JSON object; FILE is JSON, JSON lines
    or CSV with a column architecture, index or code, whatever this program wrote too; - is
    standard input.
    """
    cells = read_architectures(given)
    if as_json:
        entries = [_entry(cell) if form is None else _only(cell, form) for cell in cells]
        print_json({"architectures": entries})
    elif form is None:
        click.echo("\n\n".join(_block(cell) for cell in cells))
    else:
        click.echo("\n".join(_line(cell, form) for cell in cells))


def _entry(cell: Architecture) -> dict[str, Any]:
    """Return every form; read as an architecture, the entry gives the cell again."""
    return {
        "architecture": cell.genotype,
        "index": cell.index,
        "code": cell.code,
        "op_indices": list(cell.op_indices),
        "edges": cell.edges,
        "representative": cell.representative.index,
        "function_class": cell.function_class,
    }


def _only(cell: Architecture, form: str) -> dict[str, Any]:
    key = form if form in ("op_indices", "edges") else "architecture"
    return {key: getattr(cell, form)}


def _line(cell: Architecture, form: str) -> str:
    if form in ("op_indices", "edges"):
        return json.dumps(_only(cell, form))
    return str(getattr(cell, form))


def _block(cell: Architecture) -> str:
    representative = cell.representative
    forms = {
        "genotype": cell.genotype,
        "index": cell.index,
        "code": cell.code,
        "op_indices": _line(cell, "op_indices"),
        "edges": _line(cell, "edges"),
        "representative": f"{representative.index} ({representative.code})",
        "function class": cell.function_class,
    }
    return "\n".join(f"{name:<16}{value}" for name, value in forms.items())

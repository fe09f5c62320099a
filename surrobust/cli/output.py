"""What is printed: one JSON document or aligned text on stdout, messages on stderr."""

import json
import math
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from .._streams import as_it_is, escaped

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

LONGEST_LINE = 1000


def print_json(document: Any) -> None:
    """Print one JSON document as one line; numbers that are not finite become null."""
    text = json.dumps(_finite(document), allow_nan=False)
    click.echo(text.replace("\x7f", r"\u007f"))  # the one control character that JSON lets be


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def print_rows(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; a column of numbers is aligned to the right."""
    names, cells = [_cell(name) for name in header], [[_cell(v) for v in row] for row in rows]
    right = [all(isinstance(row[i], int | float) for row in rows) for i in range(len(header))]
    widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]
    for row in [names, *cells]:
        aligned = (
            text.rjust(width) if to_right else text.ljust(width)
            for text, width, to_right in zip(row, widths, right, strict=True)
        )
        click.echo("  ".join(aligned).rstrip())


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 100 else f"{value:.1f}"
    # Tabs and ends of lines too: a cell has no part in how the table is laid out.
    return escaped(str(value)).replace("\n", r"\n").replace("\t", r"\t")


def bars(*columns: "ProgressColumn | str", transient: bool = False) -> "Progress":
    """Return bars on stderr, for terminals; what describes a task must be a :func:`one_line`."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(file=as_it_is(sys.stderr))
    return Progress(*columns, console=console, transient=transient)


_held: list[str] = []


def hold_message(text: str) -> None:
    """Keep a message until the next one, or until :func:`release`.

    What the library logs is held: where the command then turns out to be a mistake, the line that
    says so is the only one.
    """
    _held.append(text)


def release() -> None:
    """Tell what is held."""
    while _held:
        sys.stderr.write(f"{one_line(_held.pop(0))}\n")


def drop() -> None:
    """Forget what is held."""
    _held.clear()


def message(text: str) -> None:
    """Tell something on stderr, on one line, after what is held."""
    hold_message(text)
    release()


def one_line(text: str) -> str:
    """Return ``text`` on one line, without control characters, at most 1000 characters."""
    joined = " ".join(text.split())
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in joined)
    return shown if len(shown) <= LONGEST_LINE else f"{shown[: LONGEST_LINE - 3]}..."

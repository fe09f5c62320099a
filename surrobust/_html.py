"""Pieces of HTML by which objects show themselves in a notebook: text escaped, no script, no link.

Colours are the page's own, so that a dark one shows them too.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape


def titled(title: str, *parts: str) -> str:
    """Return markup under a title, which is text."""
    return f"<div><strong>{escape(title)}</strong>{''.join(parts)}</div>"


def fact_table(facts: Mapping[str, object]) -> str:
    """Return names and values, both text, as a table of two columns."""
    rows = (
        f"<tr><th style='text-align:left'>{escape(name)}</th>"
        f"<td style='text-align:left'>{escape(str(value))}</td></tr>"
        for name, value in facts.items()
    )
    return f"<table>{''.join(rows)}</table>"


def row_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return rows of text under a header."""
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(str(value))}</td>' for value in row)}</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


_WIDTH, _HEIGHT, _AIR = 240, 48, 4


def sparkline(values: Sequence[float], line: Sequence[float]) -> str:
    """Draw numbers as dots and others as a line above the same axis, as an SVG element.

    Args:
        values: n numbers; NaN leaves a gap.
        line: n numbers, likewise.
    """
    there = [value for value in (*values, *line) if math.isfinite(value)]
    if not there:
        return ""
    low, span = min(there), (max(there) - min(there)) or 1.0

    def place(n: int, value: float) -> tuple[float, float]:
        x = _AIR + (_WIDTH - 2 * _AIR) * n / max(len(values) - 1, 1)
        return round(x, 1), round(_HEIGHT - _AIR - (_HEIGHT - 2 * _AIR) * (value - low) / span, 1)

    dots = "".join(
        '<circle cx="{}" cy="{}" r="1.5" opacity=".5"/>'.format(*place(n, value))
        for n, value in enumerate(values)
        if math.isfinite(value)
    )
    points = " ".join(
        "{},{}".format(*place(n, value)) for n, value in enumerate(line) if math.isfinite(value)
    )
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" fill="currentColor" role="img">{dots}'
        f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.5"/></svg>'
    )

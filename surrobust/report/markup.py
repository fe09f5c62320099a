"""Pieces of HTML. What is given as text is escaped; what is called markup is not."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from .._html import row_table

_STYLE = """
:root{color-scheme:light}
body{font:15px/1.5 system-ui,sans-serif;color:#111;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin:0}h2{font-size:1.2rem;margin:2rem 0 .5rem;border-bottom:1px solid #ddd}
h3{font-size:1rem;margin:.2rem 0}p{margin:.5rem 0}code{font-size:.85em;overflow-wrap:anywhere}
table{border-collapse:collapse;margin:.5rem 0;font-size:.88rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.15rem .8rem .15rem 0;vertical-align:top;overflow-wrap:anywhere}
th{font-weight:600;white-space:nowrap}thead th{border-bottom:1px solid #111}.wide{overflow-x:auto}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(21rem,1fr));gap:1rem}
.card{border:1px solid #ddd;border-radius:6px;padding:.7rem;break-inside:avoid}
svg{max-width:100%;height:auto;font:12px system-ui,sans-serif}.note{color:#555;font-size:.88rem}
@media print{body{margin:0;max-width:none;font-size:10.5pt}h2{break-after:avoid}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}.wide{overflow:visible}}
"""

# Whatever of a file might slip through as markup, no script of it runs.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(title: str, sections: Iterable[str]) -> str:
    """Return a whole document.

    Args:
        title: Text.
        sections: Markup.
    """
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n" + "\n".join(sections) + "\n</body>\n</html>\n"
    )


def section(title: str, *content: str) -> str:
    """Return markup under a heading."""
    return f"<section>\n<h2>{escape(title)}</h2>\n" + "\n".join(content) + "\n</section>"


def paragraph(text: str, *, note: bool = False) -> str:
    """Return text as a paragraph."""
    kind = ' class="note"' if note else ""
    return f"<p{kind}>{escape(text)}</p>"


def facts(entries: Mapping[str, object]) -> str:
    """Return names and values as a table of two columns."""
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>"
        for name, value in entries.items()
    )
    return f'<div class="wide"><table>{rows}</table></div>'


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table."""
    return f'<div class="wide">{row_table(header, rows)}</div>'


def card(title: str, *content: str) -> str:
    """Return markup in a frame."""
    return f'<div class="card"><h3>{escape(title)}</h3>' + "".join(content) + "</div>"


def cards(content: Iterable[str]) -> str:
    """Return cards side by side where there is room."""
    return f'<div class="cards">{"".join(content)}</div>'

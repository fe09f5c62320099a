"""One HTML file out of the page's parts and its data."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from .._files import write_text
from ..searches import read_result
from ..typing import AnyPath
from .data import gather

TITLE = "surrobust explorer"
_SCRIPTS = (
    "cells",
    "quantities",
    "state",
    "graph",
    "numbers",
    "scatter",
    "exports",
    "main",
)


def write_page(
    out: AnyPath,
    *,
    search: AnyPath | None = None,
    data_dir: AnyPath | None = None,
    progress: Callable[[str], None] | None = None,
) -> Path:
    """Write the page into a file and return its path.

    Args:
        out: The file.
        search: ``search.json`` or its folder, whose trajectory is drawn.
        data_dir: Where the tables are; None looks in the usual places.
        progress: Called with what is done next.

    Raises:
        InvalidInputError: If the search cannot be read.
        ChecksumError: If a table's file is not the published one.
    """
    result = None if search is None else read_result(search)
    page = make_page(gather(search=result, data_dir=data_dir, progress=progress))
    write_text(out, page)
    return Path(out)


def make_page(data: Mapping[str, Any]) -> str:
    """Return the page as HTML.

    Its policy allows no request at all, and no script but its own, by the sha256 of that.

    Args:
        data: As :func:`~surrobust.explorer.data.gather` returns it.
    """
    script = _script()
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{_sha256(script)}'"
    )
    # "<" never appears inside the data, so that nothing in them ends the element.
    packed = json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{TITLE}</title>\n<style>\n{_part('page.css')}</style>\n</head>\n<body>\n"
        f'{_part("page.html")}<script type="application/json" id="data">{packed}</script>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def _script() -> str:
    parts = "\n".join(_part(f"{name}.js") for name in _SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}}})();'


def _part(name: str) -> str:
    return files(__package__).joinpath("page", name).read_text(encoding="utf-8")


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

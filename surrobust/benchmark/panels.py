"""Figures of one panel a target; need matplotlib, the extra ``plot``."""

import io
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .._files import write_bytes
from ..typing import AnyPath

_COLUMNS = 4


def write_panels(path: AnyPath, targets: Sequence[str], draw: Callable[[Any, str], None]) -> Path:
    """Draw one panel for each target, with one legend below, as PNG.

    Args:
        path: The file.
        targets: In their order.
        draw: Called with each panel, an ``Axes``, and its target.

    Raises:
        ModuleNotFoundError: If matplotlib is not installed.
    """
    from matplotlib.figure import Figure

    columns = min(_COLUMNS, len(targets))
    rows = math.ceil(len(targets) / columns)
    figure = Figure(figsize=(3.6 * columns, 3.0 * rows + 0.6), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, target in zip(panels, targets, strict=False):
        draw(panel, target)
        panel.set_title(target, fontsize=8)
    for panel in panels[len(targets) :]:
        panel.set_axis_off()
    handles = {
        label: handle
        for panel in panels
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        handles.values(), handles.keys(), loc="outside lower center", ncols=min(len(handles), 8)
    )
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=75)
    write_bytes(path, content.getvalue())
    return Path(path)

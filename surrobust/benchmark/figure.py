"""The learning curves as a figure; needs matplotlib, the extra ``plot``."""

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._files import write_bytes
from ..typing import AnyPath

if TYPE_CHECKING:
    from .leaderboard import Standing

_COLUMNS = 4


def write_figure(path: AnyPath, found: Sequence["Standing"]) -> Path:
    """Draw Kendall's tau over N, one panel per target with its ceiling, as PNG.

    Raises:
        ModuleNotFoundError: If matplotlib is not installed.
    """
    from matplotlib.figure import Figure

    targets = list(dict.fromkeys(row.target for row in found))
    names = sorted({row.predictor for row in found})
    columns = min(_COLUMNS, len(targets))
    rows = math.ceil(len(targets) / columns)
    figure = Figure(figsize=(3.6 * columns, 3.0 * rows + 0.6), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, target in zip(panels, targets, strict=False):
        _draw(panel, target, [row for row in found if row.target == target], names)
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
    figure.savefig(content, format="png", dpi=100)
    write_bytes(path, content.getvalue())
    return Path(path)


def _draw(panel: Any, target: str, found: Sequence["Standing"], names: Sequence[str]) -> None:
    for place, name in enumerate(names):
        curve = sorted((row for row in found if row.predictor == name), key=lambda r: r.n_train)
        if curve:
            panel.errorbar(
                [row.n_train for row in curve],
                [row.kendall_tau for row in curve],
                # A bar for one seed would have no length.
                yerr=np.nan_to_num([row.kendall_tau_sd for row in curve]),
                color=f"C{place % 10}",
                marker="o",
                markersize=3,
                capsize=2,
                label=name,
            )
    first = found[0]
    if np.isfinite(first.ceiling):
        panel.axhline(first.ceiling, color="black", linestyle="--", linewidth=1, label="ceiling")
        panel.axhspan(first.ceiling_lower, first.ceiling_upper, color="black", alpha=0.15)
    sizes = sorted({row.n_train for row in found})
    panel.set_xscale("log")
    panel.set_xticks(sizes, [str(n) for n in sizes], fontsize=7)
    panel.set_xticks([], minor=True)
    panel.set_title(target, fontsize=8)
    panel.set_xlabel("training cells", fontsize=8)
    panel.set_ylabel("Kendall tau, held out", fontsize=8)

"""Figures of one panel a target, learning curves and regret; they need the extra ``plot``."""

import io
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._files import write_bytes
from ..typing import AnyPath
from .searches.leaderboard import curve, longest
from .searches.protocol import SearchRun

if TYPE_CHECKING:
    from .predictors.leaderboard import Standing


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
    # By label, so that each strategy is named once though it is in every panel.
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


def write_figure(path: AnyPath, found: Sequence["Standing"]) -> Path:
    """Draw Kendall's tau over N, one panel per target with its ceiling, as PNG.

    Raises:
        ModuleNotFoundError: If matplotlib is not installed.
    """
    targets = list(dict.fromkeys(row.target for row in found))
    names = sorted({row.predictor for row in found})

    def draw(panel: Any, target: str) -> None:
        _draw_scores(panel, [row for row in found if row.target == target], names)

    return write_panels(path, targets, draw)


def _draw_scores(panel: Any, found: Sequence["Standing"], names: Sequence[str]) -> None:
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
    panel.set_xlabel("training cells", fontsize=8)
    panel.set_ylabel("Kendall tau, held out", fontsize=8)


_LEAST = 1e-5
"""Below it a regret is drawn as if it were that; the axis is logarithmic."""


def write_regret_figure(
    path: AnyPath, runs: Sequence[SearchRun], *, data_dir: AnyPath | None = None
) -> Path:
    """Draw mean regret ± its standard error over evaluations, one panel per target, as PNG.

    Of each strategy the runs of the largest budget are drawn.

    Raises:
        ModuleNotFoundError: If matplotlib is not installed.
    """
    targets = sorted({run.target for run in runs})
    names = sorted({run.strategy for run in runs})

    def draw(panel: Any, target: str) -> None:
        for place, name in enumerate(names):
            mine = longest(r for r in runs if (r.strategy, r.target) == (name, target))
            if mine:
                _draw_regret(panel, name, place, *curve(mine, target, data_dir=data_dir))
        panel.set_yscale("log")
        panel.set_xlabel("evaluations", fontsize=8)
        panel.set_ylabel("regret", fontsize=8)

    return write_panels(path, targets, draw)


def _draw_regret(panel: Any, name: str, place: int, mean: Any, error: Any) -> None:
    numbers = range(1, len(mean) + 1)
    # Matplotlib has ten colours: the next ten lines are dashed.
    color, style = f"C{place % 10}", "-" if place < 10 else "--"
    panel.plot(numbers, mean.clip(_LEAST), style, color=color, linewidth=1.2, label=name)
    lower, upper = (mean - error).clip(_LEAST), (mean + error).clip(_LEAST)
    panel.fill_between(numbers, lower, upper, color=color, alpha=0.15, linewidth=0)

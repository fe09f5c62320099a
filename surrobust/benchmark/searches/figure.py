"""Regret over evaluations as a figure; needs matplotlib, the extra ``plot``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...typing import AnyPath
from ..panels import write_panels
from .leaderboard import curve, longest
from .protocol import SearchRun

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
                _draw(panel, name, place, *curve(mine, target, data_dir=data_dir))
        panel.set_yscale("log")
        panel.set_xlabel("evaluations", fontsize=8)
        panel.set_ylabel("regret", fontsize=8)

    return write_panels(path, targets, draw)


def _draw(panel: Any, name: str, place: int, mean: Any, error: Any) -> None:
    numbers = range(1, len(mean) + 1)
    color, style = f"C{place % 10}", "-" if place < 10 else "--"
    panel.plot(numbers, mean.clip(_LEAST), style, color=color, linewidth=1.2, label=name)
    lower, upper = (mean - error).clip(_LEAST), (mean + error).clip(_LEAST)
    panel.fill_between(numbers, lower, upper, color=color, alpha=0.15, linewidth=0)

"""The learning curves as a figure; needs matplotlib, the extra ``plot``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..typing import AnyPath
from .panels import write_panels

if TYPE_CHECKING:
    from .leaderboard import Standing


def write_figure(path: AnyPath, found: Sequence["Standing"]) -> Path:
    """Draw Kendall's tau over N, one panel per target with its ceiling, as PNG.

    Raises:
        ModuleNotFoundError: If matplotlib is not installed.
    """
    targets = list(dict.fromkeys(row.target for row in found))
    names = sorted({row.predictor for row in found})

    def draw(panel: Any, target: str) -> None:
        _draw(panel, [row for row in found if row.target == target], names)

    return write_panels(path, targets, draw)


def _draw(panel: Any, found: Sequence["Standing"], names: Sequence[str]) -> None:
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

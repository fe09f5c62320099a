"""Retraining noise: how much of a ranking is luck, and what a perfect predictor would reach."""

from functools import partial
from typing import Any

import numpy as np

from ..benchmark import ceiling, has_ceiling
from ..targets import DEFAULT_TARGET, Target
from .finding import Finding
from .measured import PairedAccuracies

_COLUMNS = ("target", "classes", "sd_of_cells", "noise_sd", "noise_share", "ceiling_kendall")
_MORE = ("ceiling_lower", "ceiling_upper", "best", "tenth_best", "head_gap_in_noise_sd")
_BOOTSTRAP = 20
_LARGE_EPSILON = 1.5 / 255  # attacks stronger than 1/255 leave little of standard training


def noise(measured: PairedAccuracies) -> list[Finding]:
    """Estimate the retraining noise of targets from cells that compute the same.

    For attacks on standard training at epsilon 1/255 or less. The gap is the best value minus the
    tenth best: where it is small beside the noise, the order among them is mostly luck.
    """
    targets = [t for t in measured.targets if _is_covered(measured, Target.parse(t))]
    rows = tuple(_row(measured, target) for target in targets)
    own = next(row for row in rows if row[0] == DEFAULT_TARGET)
    headline = (
        f"{DEFAULT_TARGET}: noise sd {own[3]:.4f} beside an sd of {own[2]:.4f} over cells, "
        f"ceiling of Kendall's tau {own[5]:.3f}; best to tenth best is {own[10]:.1f} noise sd"
    )
    draw = partial(_draw, rows=rows)
    return [Finding("noise", headline, (*_COLUMNS, *_MORE), rows, draw, (7.0, 6.5))]


def _is_covered(measured: PairedAccuracies, target: Target) -> bool:
    small = target.benchmark != "jung2023" or (target.epsilon or 0.0) < _LARGE_EPSILON
    return small and has_ceiling(str(target), data_dir=measured.data_dir)


def _row(measured: PairedAccuracies, target: str) -> tuple[Any, ...]:
    found = ceiling(target, data_dir=measured.data_dir, n_bootstrap=_BOOTSTRAP)
    values = np.sort(measured.values(target))[::-1]
    gap = float(values[0] - values[9])
    spread = float(values.std())
    return (
        target,
        found.n_classes,
        spread,
        found.noise_sd,
        (found.noise_sd / spread) ** 2,
        found.value,
        found.lower,
        found.upper,
        float(values[0]),
        float(values[9]),
        gap / found.noise_sd,
    )


def _draw(figure: Any, *, rows: tuple[tuple[Any, ...], ...]) -> None:
    panel = figure.subplots()
    places = range(len(rows))
    centre = np.array([row[5] for row in rows])
    reach = np.array([[row[5] - row[6], row[7] - row[5]] for row in rows]).T
    panel.errorbar(centre, places, xerr=reach, fmt="o", markersize=4, capsize=2)
    panel.set_yticks(places, [row[0] for row in rows], fontsize=7)
    panel.invert_yaxis()
    panel.grid(axis="x", linewidth=0.4)
    panel.set_xlabel("Kendall tau of a perfect predictor, 95 % interval", fontsize=8)

"""How accuracies are distributed, per benchmark, image set and attack."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..targets import DEFAULT_TARGET, Target
from .finding import Finding
from .measured import ADVERSARIAL, IMAGE_SETS, STANDARD, PairedAccuracies, chance

_COLUMNS = ("target", "n", "chance", "n_at_chance", "min", "q25", "median", "mean", "sd", "q75")
_ROUNDING = 1e-6  # of the published values; one image in 30000 makes 3e-5
_SHOWN_STANDARD = ("clean", "corruptions", "fgsm-1", "square-1", "pgd-1", "apgd-ce-1")


def distributions(measured: PairedAccuracies) -> list[Finding]:
    """Summarise every target: quantiles, moments, the best cell, and cells that only guess."""
    rows = tuple(_row(measured, target) for target in measured.targets)
    default = next(row for row in rows if row[0] == DEFAULT_TARGET)
    found = dict(zip((*_COLUMNS, "max", "best_index", "best_code"), default, strict=True))
    headline = (
        f"{DEFAULT_TARGET}: median {found['median']:.4f}, sd {found['sd']:.4f}, best "
        f"{found['max']:.4f} ({found['best_code']}); {found['n_at_chance']} cells guess"
    )
    return [
        Finding(
            "distributions",
            headline,
            (*_COLUMNS, "max", "best_index", "best_code"),
            rows,
            lambda figure: _draw(figure, measured),
            (11.0, 6.0),
        )
    ]


def _row(measured: PairedAccuracies, target: str) -> tuple[object, ...]:
    values, level = measured.values(target), chance(target)
    best = measured.cells[int(np.argmax(values))]
    quantiles = [float(q) for q in np.quantile(values, [0.0, 0.25, 0.5])]
    return (
        target,
        len(values),
        level,
        int(np.isclose(values, level, rtol=0.0, atol=_ROUNDING).sum()),
        *quantiles,
        float(values.mean()),
        float(values.std()),
        float(np.quantile(values, 0.75)),
        float(values.max()),
        best.index,
        best.code,
    )


def _draw(figure: Any, measured: PairedAccuracies) -> None:
    """Draw a panel of box plots per benchmark and image set, with the level of guessing."""
    panels = figure.subplots(2, len(IMAGE_SETS))
    for line, benchmark in zip(panels, (ADVERSARIAL, STANDARD), strict=True):
        for panel, images in zip(line, IMAGE_SETS, strict=True):
            _draw_panel(panel, measured, _shown(measured, benchmark, images))
            panel.set_title(f"{benchmark}, {images}", fontsize=9)


def _shown(measured: PairedAccuracies, benchmark: str, images: str) -> list[str]:
    metrics = [
        metric
        for b, i, metric in (target.split("/") for target in measured.targets)
        if (b, i) == (benchmark, images)
    ]
    if benchmark == STANDARD:
        metrics = [metric for metric in _SHOWN_STANDARD if metric in metrics]
    return [f"{benchmark}/{images}/{metric}" for metric in metrics]


def _draw_panel(panel: Any, measured: PairedAccuracies, targets: Sequence[str]) -> None:
    panel.boxplot([100 * measured.values(t) for t in targets], flierprops={"markersize": 1})
    panel.axhline(100 * chance(targets[0]), color="black", linestyle=":", linewidth=1)
    places = range(1, len(targets) + 1)
    panel.set_xticks(places, [Target.parse(t).metric for t in targets], rotation=30, fontsize=7)
    panel.set_ylabel("accuracy (%), dotted: chance", fontsize=7)
    panel.set_ylim(bottom=0)

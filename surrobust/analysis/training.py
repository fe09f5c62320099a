"""What adversarial training changes against standard training, cell by cell."""

from functools import partial
from typing import Any

import numpy as np

from ..targets import Target
from ..typing import FloatArray
from .correlations import common, head_agreement, rank_agreement
from .finding import Finding
from .measured import ADVERSARIAL, IMAGE_SETS, STANDARD, PairedAccuracies

PAIRS = (
    *((f"{ADVERSARIAL}/{images}/clean", f"{STANDARD}/{images}/clean") for images in IMAGE_SETS),
    *(
        (f"{ADVERSARIAL}/cifar10/{metric}", f"{STANDARD}/cifar10/{metric}")
        for metric in ("fgsm-3", "pgd-3", "fgsm-8", "pgd-8")
    ),
    *(
        (f"{ADVERSARIAL}/cifar10/pgd-8", f"{STANDARD}/cifar10/{metric}")
        for metric in ("clean", "corruptions", "fgsm-1", "square-1", "pgd-1", "apgd-ce-1")
    ),
)
"""What is compared: an accuracy after adversarial and one after standard training.

FGSM is the same attack in both; PGD is 20 steps of epsilon / 8 after adversarial training, and 40
of epsilon / 30 after standard training: see ``measuring.PRESETS``.
"""

_COLUMNS = ("adversarial", "standard", "mean_adversarial", "mean_standard", "mean_change")
_RANKS = ("sd_change", "kendall", "spearman", "spearman_head", "common_10", "common_100")
_BEST = ("rank_of_best_adversarial_in_standard", "rank_of_best_standard_in_adversarial")


def training(measured: PairedAccuracies) -> list[Finding]:
    """Compare both trainings of each cell: levels, rankings, and the best of either."""
    rows = tuple(_row(measured, *pair) for pair in PAIRS)
    found = {row[:2]: row for row in rows}
    clean, attacked = found[PAIRS[0]], found[PAIRS[6]]
    headline = (
        f"CIFAR-10, mean over cells: clean {clean[3]:.3f} -> {clean[2]:.3f}, pgd-8 (PGD-40 -> "
        f"PGD-20) {attacked[3]:.3f} -> {attacked[2]:.3f}; Spearman of the two trainings: clean "
        f"{clean[7]:.3f}, pgd-8 {attacked[7]:.3f}"
    )
    draw = partial(_draw, measured=measured)
    columns = (*_COLUMNS, *_RANKS, *_BEST)
    return [Finding("training", headline, columns, rows, draw, (10.0, 6.0))]


def _row(measured: PairedAccuracies, adversarial: str, standard: str) -> tuple[Any, ...]:
    a, s = measured.values(adversarial), measured.values(standard)
    return (
        adversarial,
        standard,
        float(a.mean()),
        float(s.mean()),
        float((a - s).mean()),
        float((a - s).std()),
        *rank_agreement(a, s),
        head_agreement(a, s)[1],
        common(a, s, 10),
        common(a, s, 100),
        _rank(s, int(a.argmax())),
        _rank(a, int(s.argmax())),
    )


def _rank(values: FloatArray, row: int) -> int:
    """Return the rank of a row, 1 for the largest value; equals share the better rank."""
    return int((values > values[row]).sum()) + 1


def _draw(figure: Any, *, measured: PairedAccuracies) -> None:
    """Draw adversarial over standard training, coloured by 3x3 convolutions."""
    shown = (PAIRS[0], PAIRS[5], PAIRS[7], PAIRS[9], PAIRS[11], PAIRS[12])
    convolutions = np.asarray((measured.ops == 3).sum(axis=1))
    panels = figure.subplots(2, 3)
    for panel, (adversarial, standard) in zip(panels.ravel(), shown, strict=True):
        points = panel.scatter(
            100 * measured.values(standard),
            100 * measured.values(adversarial),
            c=convolutions,
            s=2,
            cmap="viridis",
            rasterized=True,
        )
        panel.set_xlabel(f"standard: {Target.parse(standard).metric} (%)", fontsize=8)
        panel.set_ylabel(f"adversarial: {Target.parse(adversarial).metric} (%)", fontsize=8)
    figure.colorbar(points, ax=panels, label="3x3 convolutions in the cell", shrink=0.7)

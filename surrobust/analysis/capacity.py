"""What a cell's wiring is worth beside its size: robust accuracy at equal parameter count."""

from functools import partial
from typing import Any

import numpy as np

from ..spaces import count_parameters
from ..targets import DEFAULT_TARGET, Target
from ..typing import FloatArray, IntArray
from .finding import Finding
from .measured import STANDARD, PairedAccuracies

_TOO_LARGE = "fgsm-255"  # an epsilon that leaves nothing of the image

_COLUMNS = ("value", "parameters", "n", "conv_1x1", "conv_3x3")
_RANGE = ("min", "median", "max", "min_index", "min_code", "max_index", "max_code")


def capacity(measured: PairedAccuracies) -> list[Finding]:
    """Find the range of robust accuracy among cells of one parameter count.

    Jung et al. (ICLR 2023) report it for standard training and cells of two 3x3 convolutions:
    the mean over all attacks and epsilons on CIFAR-10. Here for every count, with and without
    FGSM at 255/255, and for the default target.
    """
    kinds = {
        "jung2023/cifar10/mean-of-attacks": measured.mean_of(attacks(measured)),
        f"jung2023/cifar10/mean-with-{_TOO_LARGE}": measured.mean_of(
            attacks(measured, with_largest=True)
        ),
        DEFAULT_TARGET: measured.values(DEFAULT_TARGET),
    }
    sizes = np.array([count_parameters(cell) for cell in measured.cells])
    rows = [
        _row(measured, name, values, size, np.flatnonzero(sizes == size))
        for name, values in kinds.items()
        for size in np.unique(sizes)
    ]
    inside = 1.0 - within_variance(kinds[DEFAULT_TARGET], sizes)
    first = next(iter(kinds))
    two = next(row for row in rows if row[0] == first and row[3:5] == (0, 2))
    headline = (
        f"{two[2]} cells of {two[1]} parameters (two 3x3, no 1x1): {first} from {two[5]:.4f} "
        f"({two[9]}) to {two[7]:.4f} ({two[11]}); the count explains {inside:.2f} of the variance "
        f"of {DEFAULT_TARGET}"
    )
    draw = partial(_draw, kinds=kinds, sizes=sizes)
    return [Finding("capacity", headline, (*_COLUMNS, *_RANGE), tuple(rows), draw, (9.0, 3.6))]


def attacks(measured: PairedAccuracies, *, with_largest: bool = False) -> list[str]:
    """Return the targets of attacks on standard training, CIFAR-10, every epsilon.

    Args:
        measured: The tables.
        with_largest: Whether FGSM at 255/255 is among them.
    """
    parsed = map(Target.parse, measured.targets)
    return [
        str(target)
        for target in parsed
        if (target.benchmark, target.images) == (STANDARD, "cifar10")
        and target.epsilon
        and (with_largest or target.metric != _TOO_LARGE)
    ]


def within_variance(values: FloatArray, sizes: IntArray) -> float:
    """Return the share of the variance that is left among cells of one parameter count."""
    inside = sum(((values[sizes == s] - values[sizes == s].mean()) ** 2).sum() for s in set(sizes))
    return float(inside / ((values - values.mean()) ** 2).sum())


def _row(
    measured: PairedAccuracies, name: str, values: FloatArray, size: int, rows: IntArray
) -> tuple[Any, ...]:
    own = values[rows]
    worst, best = (measured.cells[rows[place]] for place in (own.argmin(), own.argmax()))
    numbers = (float(own.min()), float(np.median(own)), float(own.max()))
    counts = (best.ops.count(2), best.ops.count(3))
    ends = (worst.index, worst.code, best.index, best.code)
    return (name, int(size), len(rows), *counts, *numbers, *ends)


def _draw(figure: Any, *, kinds: dict[str, FloatArray], sizes: IntArray) -> None:
    names = [name for name in kinds if _TOO_LARGE not in name]
    for panel, name in zip(figure.subplots(1, len(names)), names, strict=True):
        panel.scatter(sizes / 1e6, 100 * kinds[name], s=2, alpha=0.4, rasterized=True)
        panel.set_xlabel("million parameters", fontsize=8)
        panel.set_ylabel("accuracy (%)", fontsize=8)
        panel.set_title(name, fontsize=8)

"""How far rankings agree: across attacks, image sets, benchmarks, and in the head alone."""

import itertools
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from .. import metrics
from ..targets import DEFAULT_TARGET, Target
from ..typing import FloatArray
from .finding import Finding
from .measured import ADVERSARIAL, STANDARD, PairedAccuracies, best_rows

HEAD_SHARE = 0.1
"""Share of the cells that is the head of a ranking, rounded down to whole cells."""

_COLUMNS = ("first", "second", "kendall", "spearman")
_HEAD_COLUMNS = ("ranked_by", "other", "n", "kendall", "spearman", "common_10", "common_100")
_SHOWN = (
    *(f"{ADVERSARIAL}/cifar10/{m}" for m in ("clean", "fgsm-8", "pgd-8", "autoattack-8")),
    *(f"{ADVERSARIAL}/{i}/pgd-8" for i in ("cifar100", "imagenet16-120")),
    *(f"{STANDARD}/cifar10/{m}" for m in ("clean", "corruptions", "fgsm-1", "square-1", "pgd-1")),
    f"{STANDARD}/cifar10/apgd-ce-1",
)


def correlations(measured: PairedAccuracies) -> list[Finding]:
    """Correlate all pairs of targets, over all cells and in the head of either ranking."""
    columns = {target: measured.values(target) for target in measured.targets}
    whole = tuple(_pair(columns, *pair) for pair in itertools.combinations(columns, 2))
    head = tuple(_head(columns, *pair) for pair in itertools.permutations(columns, 2))
    return [
        Finding(
            "correlations",
            _headline("all cells", whole, 3),
            _COLUMNS,
            whole,
            partial(_draw_map, rows=whole, place=3),
            (6.5, 5.5),
        ),
        Finding(
            "correlations-head",
            _headline("best 10 % by the first", head, 4),
            _HEAD_COLUMNS,
            head,
            partial(_draw_map, rows=head, place=4),
            (6.5, 5.5),
        ),
        _with_clean(whole),
    ]


def rank_agreement(a: FloatArray, b: FloatArray) -> tuple[float, float]:
    """Return Kendall's tau-b and Spearman's rho, NaN where one array is constant."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan"), float("nan")
    return metrics.kendall_tau(a, b), metrics.spearman_rho(a, b)


def head_agreement(a: FloatArray, b: FloatArray) -> tuple[float, float]:
    """Return Kendall's tau-b and Spearman's rho among the best tenth by ``a``."""
    rows = best_rows(a, int(HEAD_SHARE * len(a)))
    return rank_agreement(a[rows], b[rows])


def common(a: FloatArray, b: FloatArray, n: int) -> int:
    """Return how many of the ``n`` best by ``a`` are among the ``n`` best by ``b``.

    Of equals those of smaller index are the better; standard accuracies have three decimals and
    so many equals.
    """
    return len(np.intersect1d(best_rows(a, n), best_rows(b, n)))


def _pair(columns: dict[str, FloatArray], a: str, b: str) -> tuple[object, ...]:
    return (a, b, *rank_agreement(columns[a], columns[b]))


def _head(columns: dict[str, FloatArray], a: str, b: str) -> tuple[object, ...]:
    first, second = columns[a], columns[b]
    n = int(HEAD_SHARE * len(first))
    shared = [common(first, second, k) for k in (10, 100)]
    return (a, b, n, *head_agreement(first, second), *shared)


def _headline(which: str, rows: Sequence[tuple[object, ...]], place: int) -> str:
    found = {(row[0], row[1]): row[place] for row in rows}
    others = (f"{ADVERSARIAL}/cifar100/pgd-8", f"{ADVERSARIAL}/imagenet16-120/pgd-8")
    said = ", ".join(
        f"{Target.parse(other).images} {found[DEFAULT_TARGET, other]:.3f}" for other in others
    )
    return f"Spearman of {DEFAULT_TARGET} with pgd-8 of other images, {which}: {said}"


def _with_clean(whole: Sequence[tuple[object, ...]]) -> Finding:
    """Select how clean accuracy ranks under attack, epsilon by epsilon."""
    clean = f"{STANDARD}/cifar10/clean"
    rows = []
    for first, second, *agreement in whole:
        target = Target.parse(second)
        if first == clean and target.images == "cifar10" and target.epsilon:
            attack = target.metric.rpartition("-")[0]
            rows.append((attack, round(255 * target.epsilon, 3), *agreement))
    said = {row[0]: row[2] for row in rows if row[1] == 1.0}
    told = ", ".join(f"{attack} {tau:.3f}" for attack, tau in said.items())
    return Finding(
        "clean-under-attack",
        f"Kendall of clean and attacked accuracy, standard training, epsilon 1/255: {told}",
        ("attack", "epsilon_255", "kendall", "spearman"),
        tuple(rows),
        partial(_draw_curves, rows=rows),
        (5.0, 3.4),
    )


def _draw_curves(figure: Any, *, rows: Sequence[tuple[Any, ...]]) -> None:
    panel = figure.subplots()
    for attack in dict.fromkeys(row[0] for row in rows):
        own = [row for row in rows if row[0] == attack and row[1] <= 8]
        panel.plot([r[1] for r in own], [r[2] for r in own], marker="o", markersize=3, label=attack)
    panel.axhline(0.0, color="black", linewidth=0.6)
    panel.set_xlabel("epsilon (1/255), standard training, CIFAR-10")
    panel.set_ylabel("Kendall tau with clean")
    panel.legend(fontsize=8)


def _draw_map(figure: Any, *, rows: Sequence[tuple[object, ...]], place: int) -> None:
    found: dict[Any, Any] = {(row[0], row[1]): row[place] for row in rows}
    n = len(_SHOWN)
    grid = np.ones((n, n))
    for i, j in itertools.permutations(range(n), 2):
        pair = (_SHOWN[i], _SHOWN[j])
        grid[i, j] = found.get(pair, found.get(pair[::-1]))
    panel = figure.subplots()
    image = panel.imshow(grid, vmin=-1, vmax=1, cmap="RdBu")
    labels = [_short(target) for target in _SHOWN]
    panel.set_xticks(range(n), labels, rotation=60, ha="right", fontsize=7)
    panel.set_yticks(range(n), labels, fontsize=7)
    for i, j in itertools.product(range(n), repeat=2):
        tone = "white" if abs(grid[i, j]) > 0.7 else "black"
        panel.text(j, i, f"{grid[i, j]:.2f}", ha="center", va="center", fontsize=6, color=tone)
    panel.set_title("Spearman; rows rank, AT: adversarial, ST: standard training", fontsize=8)
    figure.colorbar(image, ax=panel, shrink=0.8)


def _short(key: str) -> str:
    target = Target.parse(key)
    kind = "AT" if target.benchmark == ADVERSARIAL else "ST"
    return f"{kind} {target.images.replace('imagenet16-120', 'IN16')} {target.metric}"

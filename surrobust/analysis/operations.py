"""Which operation on which edge makes a cell robust, and what the best cells are made of."""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from ..spaces import EDGES, OPS, NASBench201
from ..typing import FloatArray, IntArray
from .finding import Finding
from .measured import ADVERSARIAL, IMAGE_SETS, STANDARD, PairedAccuracies, best_rows

_FOUR = ("fgsm-3", "pgd-3", "fgsm-8", "pgd-8")

RANKINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        **{
            f"{ADVERSARIAL}/{images}/mean-of-4": tuple(
                f"{ADVERSARIAL}/{images}/{metric}" for metric in _FOUR
            )
            for images in IMAGE_SETS
        },
        **{
            f"{STANDARD}/cifar10/{metric}": (f"{STANDARD}/cifar10/{metric}",)
            for metric in ("clean", "fgsm-1", "square-1", "pgd-1", "apgd-ce-1")
        },
    }
)
"""What cells are ranked by: the mean over these targets, by a name of its own."""

_SHOWN = (f"{ADVERSARIAL}/cifar10/mean-of-4", *list(RANKINGS)[3:])
_EDGE_NAMES = tuple(f"{source}->{target}" for source, target in EDGES)


def operations(measured: PairedAccuracies) -> list[Finding]:
    """Find the effect of each operation on each edge, and the operators of the best cells.

    Effects are means over all 15625 cells, each with the value of its representative: there every
    operation stands on every edge equally often beside every choice of the others. The best are
    sought among the representatives.
    """
    everything = np.array([cell.ops for cell in map(NASBench201().__getitem__, range(15625))])
    effects, shares = [], []
    explained = {}
    for name, targets in RANKINGS.items():
        values = measured.mean_of(targets)
        best = {n: measured.ops[best_rows(values, n)] for n in (10, 100)}
        effect = edge_effects(everything, values[measured.row_of_index])
        explained[name] = (effect**2).mean(axis=1) / values[measured.row_of_index].var()
        effects += _effect_rows(name, effect, measured.ops, best, explained[name])
        shares += _share_rows(name, measured.ops, best)
    return [
        Finding(
            "operations",
            _headline(explained),
            ("ranking", "edge", "op", "effect", "edge_explains", "share", "best_10", "best_100"),
            tuple(effects),
            partial(_draw, rows=effects),
            (11.0, 5.5),
        ),
        Finding(
            "operators-of-the-best",
            _told(shares),
            ("ranking", "op", "share", "best_10", "best_100"),
            tuple(shares),
            partial(_draw_shares, rows=shares),
            (9.0, 3.6),
        ),
    ]


def edge_effects(ops: IntArray, values: FloatArray) -> FloatArray:
    """Return how far cells with an op on an edge lie from the mean of all, ``(6, 5)``.

    Args:
        ops: Op numbers, ``(n, 6)``.
        values: What is explained, ``(n,)``.
    """
    means = [[values[ops[:, e] == o].mean() for o in range(len(OPS))] for e in range(len(EDGES))]
    return np.array(means) - values.mean()


def operator_shares(ops: IntArray) -> FloatArray:
    """Return the share of each op over all edges of some cells ``(n, 6)``, as ``(5,)``."""
    return np.bincount(ops.ravel(), minlength=len(OPS)) / ops.size


def _effect_rows(
    name: str,
    effect: FloatArray,
    ops: IntArray,
    best: Mapping[int, IntArray],
    explained: FloatArray,
) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for e, edge in enumerate(_EDGE_NAMES):
        for o, op in enumerate(OPS):
            shares = [float((those[:, e] == o).mean()) for those in (ops, best[10], best[100])]
            rows.append((name, edge, op, float(effect[e, o]), float(explained[e]), *shares))
    return rows


def _share_rows(name: str, ops: IntArray, best: Mapping[int, IntArray]) -> list[tuple[object, ...]]:
    shares = [operator_shares(those) for those in (ops, best[10], best[100])]
    return [(name, op, *(float(share[o]) for share in shares)) for o, op in enumerate(OPS)]


def _headline(explained: Mapping[str, FloatArray]) -> str:
    name = next(iter(RANKINGS))
    by_edge = dict(zip(_EDGE_NAMES, explained[name], strict=True))
    told = ", ".join(f"{edge} {share:.2f}" for edge, share in by_edge.items())
    return f"share of the variance of {name} that one edge's operation explains: {told}"


def _told(rows: list[tuple[Any, ...]]) -> str:
    name = next(iter(RANKINGS))
    own = [row for row in rows if row[0] == name]
    told = ", ".join(f"{row[1]} {row[3]:.3f}" for row in own)
    return f"operators of the best 10 by {name}: {told}"


def _draw(figure: Any, *, rows: list[tuple[Any, ...]]) -> None:
    """Draw a map of effects per ranking: edges by operations."""
    for panel, name in zip(figure.subplots(2, 3).ravel(), _SHOWN, strict=True):
        own = {(row[1], row[2]): 100 * row[3] for row in rows if row[0] == name}
        grid = np.array([[own[edge, op] for op in OPS] for edge in _EDGE_NAMES])
        most = np.abs(grid).max()
        panel.imshow(grid, cmap="RdBu", vmin=-most, vmax=most, aspect="auto")
        panel.set_xticks(range(len(OPS)), OPS, rotation=25, fontsize=6)
        panel.set_yticks(range(len(EDGES)), _EDGE_NAMES, fontsize=7)
        for (i, j), value in np.ndenumerate(grid):
            tone = "white" if abs(value) > 0.65 * most else "black"
            panel.text(j, i, f"{value:+.1f}", ha="center", va="center", fontsize=6, color=tone)
        panel.set_title(name, fontsize=8)
    figure.supxlabel("points of accuracy from the mean of all cells", fontsize=8)


def _draw_shares(figure: Any, *, rows: list[tuple[Any, ...]]) -> None:
    panels = figure.subplots(1, 2, sharey=True)
    for panel, place, title in zip(panels, (3, 4), ("best 10", "best 100"), strict=True):
        names = [*RANKINGS, "all cells"]
        left = np.zeros(len(names))
        for o, op in enumerate(OPS):
            own = [row for row in rows if row[1] == op]
            widths = np.array([*(row[place] for row in own), own[0][2]])
            panel.barh(range(len(names)), widths, left=left, color=f"C{o}", label=op)
            left += widths
        panel.set_yticks(range(len(names)), names, fontsize=7)
        panel.set_title(f"operators of the {title}", fontsize=8)
        panel.invert_yaxis()
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(OPS), fontsize=7)

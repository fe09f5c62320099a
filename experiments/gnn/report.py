"""From stored predictions to ``results.csv``, README's tables and the figure."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import ttest_1samp

from surrobust.benchmark import TARGETS, split
from surrobust.metrics import kendall_tau, rmse

HERE = Path(__file__).parent
RESULTS = HERE / "results.csv"
FIELDS = ("predictor", "target", "n_train", "seed", "kendall_tau", "rmse", "cpu_seconds")
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
_HEAD = "| a | b | N | splits | nas-robbench-201: a - b | p | jung2023: a - b | p |"
WEIGHT = 0.3
"""Of the second in a mixture; chosen on the design targets."""

MIXTURES = {
    "default + gnn-joint": ("default", "gnn-joint"),
    "default + gnn-benchmark": ("default", "gnn-benchmark"),
    "default + gnn": ("default", "gnn"),
    "default + xgboost-joint": ("default", "xgboost-joint"),
    "default-joint + gnn-joint": ("default-joint", "gnn-joint"),
}
PAIRS = (
    ("gnn-joint", "xgboost"),
    ("gnn-joint", "xgboost-joint"),
    ("gnn-joint", "default"),
    ("default + gnn-joint", "default"),
    ("default + gnn-joint", "xgboost"),
    ("default + gnn-joint", "default + xgboost-joint"),
    ("gnn-benchmark", "xgboost"),
    ("gnn-benchmark", "default"),
    ("gnn-benchmark", "gnn-joint"),
    ("default + gnn-benchmark", "default"),
    ("default + gnn-benchmark", "default + gnn-joint"),
    ("default-joint", "default"),
    ("default-joint + gnn-joint", "default-joint"),
    ("gnn-joint", "gnn"),
    ("gnn", "xgboost"),
    ("gnn", "default"),
    ("default + gnn", "default"),
)
GROUPS = {
    "nas-robbench-201": [t for t in TARGETS if t.startswith("nas")],
    "jung2023": [t for t in TARGETS if t.startswith("jung")],
}
Stored = Sequence[tuple[str, int, int, np.ndarray, float]]


def write(data: Any, stored: Stored) -> None:
    """Score what is new, then write tables and figure."""
    scores = _scores(data, stored)
    readme = HERE / "README.md"
    if readme.exists():
        text = readme.read_text()
        head, tail = text.split(BEGIN)[0], text.split(END)[1]
        readme.write_text(head + BEGIN + "\n" + tables(scores) + "\n" + END + tail)
    plot(scores)


def _scores(data: Any, stored: Stored) -> pd.DataFrame:
    known = pd.read_csv(RESULTS) if RESULTS.exists() else pd.DataFrame(columns=list(FIELDS))
    done = set(zip(known.predictor, known.target, known.n_train, known.seed, strict=True))
    rows = [tuple(row) for row in known.itertuples(index=False)]
    by_key: dict[tuple[str, int, int], tuple[np.ndarray, float]] = {}
    for part_name, n, seed, predicted, seconds in stored:
        name = part_name.split(".")[0]  # parts of one learner predict some targets each
        other, before = by_key.get((name, n, seed), (np.full_like(predicted, np.nan), 0.0))
        both = np.where(np.isnan(predicted), other, predicted)
        by_key[name, n, seed] = both, before + seconds
    for first, n, seed in list(by_key):
        for name, (a, b) in MIXTURES.items():
            if a == first and (b, n, seed) in by_key:
                (one, s), (other, t) = by_key[a, n, seed], by_key[b, n, seed]
                by_key[name, n, seed] = ((1 - WEIGHT) * one + WEIGHT * other, s + t)
    columns = data.columns(list(TARGETS))
    for (name, n, seed), (predicted, seconds) in by_key.items():
        true = data.values[split(len(data.cells), n_train=n, seed=seed)[1]][:, columns]
        for j, target in enumerate(TARGETS):
            if (name, target, n, seed) in done or np.isnan(predicted[:, j]).any():
                continue
            tau, error = kendall_tau(true[:, j], predicted[:, j]), rmse(true[:, j], predicted[:, j])
            rows.append((name, target, n, seed, round(tau, 6), float(f"{error:.6g}"), seconds))
    rows.sort(key=lambda row: row[:4])
    part = RESULTS.with_suffix(".part")
    with part.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([FIELDS, *((*row[:6], _rounded(row[6])) for row in rows)])
    part.replace(RESULTS)
    return pd.read_csv(RESULTS)


def _rounded(seconds: float) -> str:
    return "" if np.isnan(seconds) else f"{seconds:.1f}"


def tables(scores: pd.DataFrame) -> str:
    lines = []
    names = [n for n in (*_learners(scores), *MIXTURES) if n in set(scores.predictor)]
    for n, part in scores.groupby("n_train"):
        lines += [f"\n### N = {n}: Kendall's tau, mean ± sd over splits", ""]
        short = [t.split("/", 1)[1] for t in TARGETS]
        lines.append("| predictor | splits | " + " | ".join(short) + " | CPU s |")
        lines.append("|---" * (len(TARGETS) + 3) + "|")
        for name in names:
            own = part[part.predictor == name]
            if len(own):
                taus = [_cell(own[own.target == t].kendall_tau) for t in TARGETS]
                known = own.cpu_seconds.dropna()
                seconds = f"{known.mean():.0f}" if len(known) else "–"
                lines.append(f"| {name} | {own.seed.nunique()} | {' | '.join(taus)} | {seconds} |")
    for measure, better in (("kendall_tau", 1), ("rmse", -1)):
        lines += ["", f"### Paired over splits: {measure}", "", _HEAD, "|---" * 8 + "|"]
        for (a, b), n in [(pair, n) for pair in PAIRS for n in sorted(scores.n_train.unique())]:
            lines += _paired(scores[scores.n_train == n], a, b, n, measure, better)
    return "\n".join(lines)


def _paired(part: pd.DataFrame, a: str, b: str, n: int, measure: str, better: int) -> list[str]:
    """Return a row, if there is a split with both: mean differences and the test over splits.

    A mean is that over a benchmark's four targets. Errors are in per cent of b's, as targets have
    their own units.
    """
    wide = part.pivot_table(index=["target", "seed"], columns="predictor", values=measure)
    if not {a, b} <= set(wide):
        return []
    pair = wide[[a, b]].dropna()
    difference = pair[a] - pair[b] if better > 0 else 100 * (pair[a] / pair[b] - 1)
    cells = []
    for targets in GROUPS.values():
        own = difference[difference.index.get_level_values("target").isin(targets)]
        means = own.groupby("seed").mean()
        if not len(means):
            cells.append("– | –")
            continue
        text = f"{means.mean():+.4f}" if better > 0 else f"{means.mean():+.1f} %"
        if len(means) > 1:
            wins = int((own.groupby("target").mean() * better > 0).sum())
            text += f" ± {means.std():.4f}" if better > 0 else f" ± {means.std():.1f}"
            text += f", {wins} of {len(targets)} targets"
        p = _p(means)
        cells.append(f"{text} | {p}")
    splits = pair.index.get_level_values("seed").nunique()
    return [f"| {a} | {b} | {n} | {splits} | {' | '.join(cells)} |"]


def _p(means: pd.Series) -> str:
    """Return the p-value of a paired t-test, from five splits on."""
    if len(means) < 5:
        return "–"
    p = float(ttest_1samp(means, 0).pvalue)
    return "< .001" if p < 0.001 else f"{p:.3f}".lstrip("0")


def plot(scores: pd.DataFrame) -> None:
    """Draw the share of the ceiling over N, a panel a benchmark."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    ceilings = pd.read_csv(HERE.parent / "noise" / "results.csv")
    ceilings = ceilings[(ceilings.measure == "kendall_tau") & (ceilings.classes == "networks")]
    limit = scores.target.map(ceilings.set_index("target").ceiling)
    scores = scores.assign(share=scores.kendall_tau / limit)
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    shown = ("xgboost", "xgboost-joint", "gnn-joint", "default", "default + gnn-joint")
    for axis, (benchmark, targets) in zip(axes, GROUPS.items(), strict=True):
        for name in shown:
            own = scores[(scores.predictor == name) & scores.target.isin(targets)]
            curve = own.groupby(["n_train", "seed"]).share.mean().groupby("n_train")
            if len(own):
                mean, spread = curve.mean(), curve.std().fillna(0)
                axis.errorbar(mean.index, mean, spread, marker="o", ms=3, capsize=2, label=name)
        axis.set(title=benchmark, xscale="log", xlabel="training cells")
        axis.set_xticks(sorted(scores.n_train.unique()), sorted(scores.n_train.unique()))
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("Kendall's tau / noise ceiling")
    axes[1].legend(fontsize=8)
    figure.savefig(HERE / "curves.png", dpi=110)


def _learners(scores: pd.DataFrame) -> list[str]:
    return sorted(set(scores.predictor) - set(MIXTURES))


def _cell(values: pd.Series) -> str:
    if not len(values):
        return "–"
    spread = f" ± {values.std():.3f}" if len(values) > 1 else ""
    return f"{values.mean():.3f}{spread}"

"""README's tables and the figure, and which mixtures there are."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from scipy.stats import ttest_1samp

from experiments.frame import Lines
from experiments.markdown import NOTHING, mean, table
from surrobust.benchmark import TARGETS

CEILINGS = Path(__file__).parents[1] / "noise" / "results.csv"
HEADS = ["a", "b", "N", "splits", "nas-robbench-201: a - b", "p", "jung2023: a - b", "p"]
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


def tables(rows: Iterable[Any]) -> Lines:
    """Mean and spread of tau by N; differences of pairs of predictors over splits."""
    scores = pd.DataFrame(rows)
    yield ""
    learners = sorted(set(scores.predictor) - set(MIXTURES))
    for n, part in scores.groupby("n_train"):
        yield from ("", f"### N = {n}: Kendall's tau, mean ± sd over splits", "")
        short = [t.split("/", 1)[1] for t in TARGETS]
        body = (_taus(name, part[part.predictor == name]) for name in (*learners, *MIXTURES))
        yield from table(["predictor", "splits", *short, "CPU s"], filter(None, body))
    for measure, better in (("kendall_tau", 1), ("rmse", -1)):
        yield from ("", f"### Paired over splits: {measure}", "")
        body = (
            _paired(scores[scores.n_train == n], a, b, n, measure, better)
            for a, b in PAIRS
            for n in sorted(scores.n_train.unique())
        )
        yield from table(HEADS, filter(None, body))


def _taus(name: str, own: pd.DataFrame) -> list[object]:
    """Return a row, if there is a score."""
    if not len(own):
        return []
    taus = [mean(own[own.target == t].kendall_tau) for t in TARGETS]
    known = own.cpu_seconds.dropna()
    return [name, own.seed.nunique(), *taus, f"{known.mean():.0f}" if len(known) else NOTHING]


def _paired(part: pd.DataFrame, a: str, b: str, n: int, measure: str, better: int) -> list[object]:
    """Return a row, if there is a split with both: mean differences and the test over splits.

    A mean is that over a benchmark's four targets. Errors are in per cent of b's, as targets have
    their own units.
    """
    wide = part.pivot_table(index=["target", "seed"], columns="predictor", values=measure)
    if not {a, b} <= set(wide):
        return []
    pair = wide[[a, b]].dropna()
    difference = pair[a] - pair[b] if better > 0 else 100 * (pair[a] / pair[b] - 1)
    splits = pair.index.get_level_values("seed").nunique()
    cells = [cell for home in GROUPS.values() for cell in _tested(difference, home, better)]
    return [a, b, n, splits, *cells]


def _tested(difference: pd.Series, targets: list[str], better: int) -> Iterator[str]:
    own = difference[difference.index.get_level_values("target").isin(targets)]
    means = own.groupby("seed").mean()
    if not len(means):
        yield from (NOTHING, NOTHING)
        return
    text = f"{means.mean():+.4f}" if better > 0 else f"{means.mean():+.1f} %"
    if len(means) > 1:
        wins = int((own.groupby("target").mean() * better > 0).sum())
        text += f" ± {means.std():.4f}" if better > 0 else f" ± {means.std():.1f}"
        text += f", {wins} of {len(targets)} targets"
    yield text
    yield _p(means)


def _p(means: pd.Series) -> str:
    """Return the p-value of a paired t-test, from five splits on."""
    if len(means) < 5:
        return NOTHING
    p = float(ttest_1samp(means, 0).pvalue)
    return "< .001" if p < 0.001 else f"{p:.3f}".lstrip("0")


def plot(rows: Iterable[Any], path: Path) -> None:
    """Draw the share of the ceiling over N, a panel a benchmark."""
    from matplotlib.figure import Figure

    scores, ceilings = pd.DataFrame(rows), pd.read_csv(CEILINGS)
    ceilings = ceilings[(ceilings.measure == "kendall_tau") & (ceilings.classes == "networks")]
    limit = scores.target.map(ceilings.set_index("target").ceiling)
    scores = scores.assign(share=scores.kendall_tau / limit)
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axes = figure.subplots(1, 2)
    shown = ("xgboost", "xgboost-joint", "gnn-joint", "default", "default + gnn-joint")
    for axis, (benchmark, targets) in zip(axes, GROUPS.items(), strict=True):
        for name in shown:
            own = scores[(scores.predictor == name) & scores.target.isin(targets)]
            curve = own.groupby(["n_train", "seed"]).share.mean().groupby("n_train")
            if len(own):
                centre, spread = curve.mean(), curve.std().fillna(0)
                axis.errorbar(centre.index, centre, spread, marker="o", ms=3, capsize=2, label=name)
        axis.set(title=benchmark, xscale="log", xlabel="training cells")
        axis.set_xticks(sorted(scores.n_train.unique()), sorted(scores.n_train.unique()))
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("Kendall's tau / noise ceiling")
    axes[1].legend(fontsize=8)
    figure.savefig(path, dpi=110)

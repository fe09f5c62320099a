"""The leaderboard as a Markdown document."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..targets import Target
from .baseline import BASELINE

if TYPE_CHECKING:
    from .leaderboard import Standing

_HEAD = f"""# Predictors on held-out cells

Representatives by ascending index, `numpy.random.default_rng(seed).permutation`, the first N
train, all others test; a predictor sees the N cells and their values of that one target. Figures
are mean ± sd over n seeds. The ceiling is what a predictor that knew each network's expected value
would reach in spite of retraining noise (95 % bootstrap interval); the share is tau / ceiling.
`{BASELINE}` is the number of parameters alone.
"""


def to_markdown(found: Sequence["Standing"]) -> str:
    """Return the document: mean shares by benchmark, then one table per target."""
    targets = list(dict.fromkeys(row.target for row in found))
    benchmarks = dict.fromkeys(Target.parse(target).benchmark for target in targets)
    parts = [_HEAD]
    for benchmark in benchmarks:
        mine = [row for row in found if Target.parse(row.target).benchmark == benchmark]
        mine = [row for row in mine if np.isfinite(row.ceiling)]
        if mine:
            parts.append(_shares(benchmark, mine))
    parts += [_table(target, [row for row in found if row.target == target]) for target in targets]
    return "\n".join(parts)


def _shares(benchmark: str, found: Sequence["Standing"]) -> str:
    targets = {row.target for row in found}
    sizes = sorted({row.n_train for row in found})
    share = {(row.predictor, row.n_train, row.target): row.share_of_ceiling for row in found}
    lines = [
        f"## Share of the ceiling, mean over {len(targets)} of `{benchmark}`'s targets\n",
        row("predictor", *(f"N = {n}" for n in sizes)),
        "|---" * (len(sizes) + 1) + "|",
    ]
    means = {
        name: [float(np.mean([share.get((name, n, t), np.nan) for t in targets])) for n in sizes]
        for name in {row.predictor for row in found}
    }
    for name in sorted(means, key=lambda name: (*np.nan_to_num(means[name])[::-1], name))[::-1]:
        lines.append(row(name, *(f"{m:.3f}" if np.isfinite(m) else "–" for m in means[name])))
    return "\n".join(lines) + "\n"


def _table(target: str, found: Sequence["Standing"]) -> str:
    first = found[0]
    lines = [f"## `{target}`\n"]
    if np.isfinite(first.ceiling):
        lines.append(
            f"Ceiling of tau {_ranged(first.ceiling, first.ceiling_lower, first.ceiling_upper)}, "
            "of the precision at 100 "
            + _ranged(
                first.precision_ceiling,
                first.precision_ceiling_lower,
                first.precision_ceiling_upper,
            )
            + ".\n"
        )
    names = ("N", "predictor", "n", "Kendall tau", "share", "R²", "RMSE", "precision at 100")
    lines += [row(*names), "|---" * len(names) + "|"]
    for one in found:
        lines.append(
            row(
                one.n_train,
                one.predictor,
                one.n,
                spread(one.kendall_tau, one.kendall_tau_sd),
                f"{one.share_of_ceiling:.3f}" if np.isfinite(one.share_of_ceiling) else "–",
                spread(one.r2, one.r2_sd),
                spread(one.rmse, one.rmse_sd, digits=4),
                spread(one.precision_at_100, one.precision_at_100_sd, digits=2),
            )
        )
    return "\n".join(lines) + "\n"


def row(*cells: object) -> str:
    """Return a line of a table."""
    return "| " + " | ".join(map(str, cells)) + " |"


def spread(mean: float, sd: float, *, digits: int = 3) -> str:
    """Return a mean and its standard deviation as text, a dash if there is none."""
    if not np.isfinite(mean):
        return "–"
    return f"{mean:.{digits}f}" + (f" ± {sd:.{digits}f}" if np.isfinite(sd) else "")


def _ranged(value: float, lower: float, upper: float) -> str:
    return f"{value:.3f} ({lower:.3f} to {upper:.3f})"

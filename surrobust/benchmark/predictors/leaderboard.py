"""The leaderboard of predictors: scores summed up over seeds, beside the ceiling of each target."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..._files import write_text
from ...targets import Target
from ...typing import AnyPath
from ..markdown import spread, table_section
from ..noise import Ceiling
from ..rows import to_csv
from .ceilings import ceiling, has_ceiling
from .protocol import BASELINE, HEAD, Score

NAN = float("nan")
UNKNOWN = Ceiling(NAN, NAN, NAN, NAN, 0)
"""In the place of a ceiling where there is none."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One predictor at one N on one target, over all seeds.

    Args:
        predictor: Registered name, or the baseline's.
        target: Target key.
        n_train: Training cells.
        n: Seeds.
        kendall_tau: Mean over seeds of Kendall's tau-b on the held-out cells.
        kendall_tau_sd: Standard deviation over seeds; NaN for one seed.
        ceiling: Tau of a perfect predictor; NaN where there is none.
        ceiling_lower: 2.5 % bootstrap quantile of the ceiling.
        ceiling_upper: 97.5 % quantile.
        share_of_ceiling: ``kendall_tau / ceiling``.
        spearman: Mean of Spearman's rho.
        spearman_sd: Over seeds.
        r2: Mean of R2.
        r2_sd: Over seeds.
        rmse: Mean of the RMSE, in the target's unit.
        rmse_sd: Over seeds.
        precision_at_100: Mean share of the 100 ranked best that are among the measured best 100.
        precision_at_100_sd: Over seeds.
        precision_ceiling: That of a perfect predictor that ranks all cells.
        precision_ceiling_lower: 2.5 % bootstrap quantile.
        precision_ceiling_upper: 97.5 % quantile.
        fit_seconds: Mean time to fit.
        predict_seconds: Mean time to predict the held-out cells.
    """

    predictor: str
    target: str
    n_train: int
    n: int
    kendall_tau: float
    kendall_tau_sd: float
    ceiling: float
    ceiling_lower: float
    ceiling_upper: float
    share_of_ceiling: float
    spearman: float
    spearman_sd: float
    r2: float
    r2_sd: float
    rmse: float
    rmse_sd: float
    precision_at_100: float
    precision_at_100_sd: float
    precision_ceiling: float
    precision_ceiling_lower: float
    precision_ceiling_upper: float
    fit_seconds: float
    predict_seconds: float


def standings(scores: Iterable[Score], *, data_dir: AnyPath | None = None) -> list[Standing]:
    """Sum scores up over seeds.

    Returns:
        By target, then N, then Kendall's tau, best first.
    """
    groups: dict[tuple[str, str, int], list[Score]] = defaultdict(list)
    for score in scores:
        groups[score.predictor, score.target, score.n_train].append(score)
    found = [_standing(group, data_dir) for group in groups.values()]
    return sorted(
        found, key=lambda s: (s.target, s.n_train, -np.nan_to_num(s.kendall_tau, nan=-2.0))
    )


def _standing(group: Sequence[Score], data_dir: AnyPath | None) -> Standing:
    first = group[0]
    values = {
        name: np.array([getattr(score, name) for score in group])
        for name in ("kendall_tau", "spearman", "r2", "rmse", "precision_at_100")
    }
    means = {name: float(each.mean()) for name, each in values.items()}
    sds = {
        f"{name}_sd": float(each.std(ddof=1)) if len(group) > 1 else NAN
        for name, each in values.items()
    }
    top, head = (
        ceiling(first.target, measure=measure, data_dir=data_dir)
        if has_ceiling(first.target, data_dir=data_dir)
        else UNKNOWN
        for measure in ("kendall_tau", f"precision_at_{HEAD}")
    )
    return Standing(
        predictor=first.predictor,
        target=first.target,
        n_train=first.n_train,
        n=len(group),
        **means,
        **sds,
        ceiling=top.value,
        ceiling_lower=top.lower,
        ceiling_upper=top.upper,
        share_of_ceiling=means["kendall_tau"] / top.value,
        precision_ceiling=head.value,
        precision_ceiling_lower=head.lower,
        precision_ceiling_upper=head.upper,
        fit_seconds=float(np.mean([score.fit_seconds for score in group])),
        predict_seconds=float(np.mean([score.predict_seconds for score in group])),
    )


def write_leaderboard(folder: AnyPath, found: Sequence[Standing]) -> list[Path]:
    """Write ``leaderboard.csv`` and ``leaderboard.md`` and return their paths."""
    paths = [Path(folder) / "leaderboard.csv", Path(folder) / "leaderboard.md"]
    write_text(paths[0], to_csv(found, Standing))
    write_text(paths[1], to_markdown(found))
    return paths


_NAMES = ("N", "predictor", "n", "Kendall tau", "share", "R²", "RMSE", "precision at 100")
_HEAD = f"""# Predictors on held-out cells

Representatives by ascending index, `numpy.random.default_rng(seed).permutation`, the first N
train, all others test; a predictor sees the N cells and their values of that one target. Figures
are mean ± sd over n seeds. The ceiling is what a predictor that knew each network's expected value
would reach in spite of retraining noise (95 % bootstrap interval); the share is tau / ceiling.
`{BASELINE}` is the number of parameters alone.
"""


def to_markdown(found: Sequence[Standing]) -> str:
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


def _shares(benchmark: str, found: Sequence[Standing]) -> str:
    targets = {row.target for row in found}
    sizes = sorted({row.n_train for row in found})
    share = {(row.predictor, row.n_train, row.target): row.share_of_ceiling for row in found}
    means = {
        name: [float(np.mean([share.get((name, n, t), np.nan) for t in targets])) for n in sizes]
        for name in {row.predictor for row in found}
    }
    names = sorted(means, key=lambda name: (*np.nan_to_num(means[name])[::-1], name))[::-1]
    return table_section(
        f"Share of the ceiling, mean over {len(targets)} of `{benchmark}`'s targets",
        ["predictor", *(f"N = {n}" for n in sizes)],
        [[name, *(spread(mean, NAN) for mean in means[name])] for name in names],
    )


def _table(target: str, found: Sequence[Standing]) -> str:
    title, first = f"`{target}`", found[0]
    if np.isfinite(first.ceiling):
        tau = _ranged(first.ceiling, first.ceiling_lower, first.ceiling_upper)
        head = _ranged(
            first.precision_ceiling, first.precision_ceiling_lower, first.precision_ceiling_upper
        )
        title += f"\n\nCeiling of tau {tau}, of the precision at 100 {head}.\n"
    rows = [
        (
            one.n_train,
            one.predictor,
            one.n,
            spread(one.kendall_tau, one.kendall_tau_sd),
            spread(one.share_of_ceiling, NAN),
            spread(one.r2, one.r2_sd),
            spread(one.rmse, one.rmse_sd, digits=4),
            spread(one.precision_at_100, one.precision_at_100_sd, digits=2),
        )
        for one in found
    ]
    return table_section(title.rstrip("\n"), _NAMES, rows)


def _ranged(value: float, lower: float, upper: float) -> str:
    return f"{value:.3f} ({lower:.3f} to {upper:.3f})"

"""The leaderboard of searches: regret summed up over seeds, each paired with ``default``."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ... import metrics
from ..._files import write_text
from ...tables import load_table
from ...targets import Target
from ...typing import AnyPath
from ..markdown import spread, table_section
from ..peers import MAX_REPEATS
from ..rows import to_csv
from .protocol import SearchRun, to_be_found

REFERENCE = "default"
"""With which every strategy is compared, seed by seed."""

NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Regret:
    """What one run had reached after so many evaluations.

    Args:
        strategy: Name in ``SEARCHES`` or ``PEERS``.
        target: Target key.
        seed: Of the strategy.
        evaluations: After how many.
        regret: How far the best value found is from the best in the table, at least 0.
        value: The best value found, in the target's unit.
        found_best: Whether it is the best in the table.
        seconds: Of the strategy itself for an evaluation, on the mean of its whole run.
    """

    strategy: str
    target: str
    seed: int
    evaluations: int
    regret: float
    value: float
    found_best: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class SearchStanding:
    """One strategy on one target after so many evaluations, over all seeds.

    Args:
        strategy: Name in ``SEARCHES`` or ``PEERS``.
        target: Target key.
        evaluations: After how many.
        n: Seeds.
        regret: Mean over seeds.
        regret_sd: Standard deviation over seeds; NaN for one seed.
        found_best: Share of the runs that found the best representative.
        paired: Seeds that ``default`` was run with too.
        difference: Mean regret minus that of ``default`` over the paired seeds, above 0 where
            ``default`` is ahead; NaN without a pair.
        p_value: Two-sided Wilcoxon signed-rank test of the paired differences; 1 where all are 0,
            NaN without a pair.
        seconds: Of the strategy itself for an evaluation, mean.
    """

    strategy: str
    target: str
    evaluations: int
    n: int
    regret: float
    regret_sd: float
    found_best: float
    paired: int
    difference: float
    p_value: float
    seconds: float


def regrets(
    runs: Iterable[SearchRun], budgets: Sequence[int], *, data_dir: AnyPath | None = None
) -> list[Regret]:
    """Return what each run had reached after each budget that it tells of.

    Where several runs of one seed tell the same, the shortest is taken.

    Returns:
        In the order strategy, target, seed, evaluations.
    """
    chosen: dict[tuple[str, str, int, int], SearchRun] = {}
    for run in sorted(runs, key=lambda run: run.key):
        for budget in budgets:
            if run.serves(budget):
                chosen.setdefault((*run.key[:3], budget), run)
    return [_reached(run, key[3], data_dir) for key, run in sorted(chosen.items())]


def _reached(run: SearchRun, evaluations: int, data_dir: AnyPath | None) -> Regret:
    target = Target.parse(run.target)
    table = load_table(target.benchmark, data_dir=data_dir)
    value = table.query(run.climb.incumbent(evaluations), target)
    sign = 1.0 if target.higher_is_better else -1.0
    regret = metrics.regret(sign * to_be_found(run.target, data_dir=data_dir), sign * value)
    return Regret(
        strategy=run.strategy,
        target=run.target,
        seed=run.seed,
        evaluations=evaluations,
        regret=regret,
        value=value,
        found_best=regret == 0,
        seconds=run.seconds / run.budget,
    )


def search_standings(reached: Iterable[Regret]) -> list[SearchStanding]:
    """Sum up over seeds.

    Returns:
        By target, then evaluations, then regret, lowest first.
    """
    groups: dict[tuple[str, int, str], dict[int, Regret]] = defaultdict(dict)
    for one in reached:
        groups[one.target, one.evaluations, one.strategy][one.seed] = one
    found = [
        _standing(group, groups.get((target, evaluations, REFERENCE), {}))
        for (target, evaluations, _), group in list(groups.items())
    ]
    return sorted(found, key=lambda s: (s.target, s.evaluations, s.regret, s.strategy))


def _standing(group: dict[int, Regret], reference: dict[int, Regret]) -> SearchStanding:
    values = np.array([one.regret for one in group.values()])
    pairs = [seed for seed in group if seed in reference]
    differences = np.array([group[seed].regret - reference[seed].regret for seed in pairs])
    first = next(iter(group.values()))
    return SearchStanding(
        strategy=first.strategy,
        target=first.target,
        evaluations=first.evaluations,
        n=len(values),
        regret=float(values.mean()),
        regret_sd=float(values.std(ddof=1)) if len(values) > 1 else NAN,
        found_best=float(np.mean([one.found_best for one in group.values()])),
        paired=len(pairs),
        difference=float(differences.mean()) if pairs else NAN,
        p_value=signed_rank_p(differences),
        seconds=float(np.mean([one.seconds for one in group.values()])),
    )


def signed_rank_p(differences: np.ndarray) -> float:
    """Return the two-sided p of Wilcoxon's signed-rank test, differences of 0 left out.

    1 where all are 0, NaN where there are none.
    """
    from scipy.stats import wilcoxon

    if not len(differences):
        return NAN
    other = differences[differences != 0]
    return float(wilcoxon(other).pvalue) if len(other) else 1.0


def curve(
    runs: Sequence[SearchRun], target: str, *, data_dir: AnyPath | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean regret and its standard error after 1, 2, ... evaluations of runs of one length.

    Returns:
        Two arrays ``(budget,)``; the errors of one run are 0.
    """
    table = load_table(Target.parse(target).benchmark, data_dir=data_dir)
    best = to_be_found(target, data_dir=data_dir)
    numbers = range(1, runs[0].budget + 1)
    gaps = np.array(
        [[abs(best - table.query(run.climb.incumbent(n), target)) for n in numbers] for run in runs]
    )
    spread = gaps.std(axis=0, ddof=1) if len(runs) > 1 else np.zeros(len(numbers))
    return gaps.mean(axis=0), spread / np.sqrt(len(runs))


def longest(runs: Iterable[SearchRun]) -> list[SearchRun]:
    """Return the runs of the largest budget among runs of one strategy on one target."""
    found = list(runs)
    most = max((run.budget for run in found), default=0)
    return [run for run in found if run.budget == most]


def write_search_leaderboard(
    folder: AnyPath, reached: Sequence[Regret], found: Sequence[SearchStanding]
) -> list[Path]:
    """Write ``regret.csv``, ``leaderboard.csv`` and ``leaderboard.md``; return their paths."""
    paths = [Path(folder) / name for name in ("regret.csv", "leaderboard.csv", "leaderboard.md")]
    write_text(paths[0], to_csv(reached, Regret))
    write_text(paths[1], to_csv(found, SearchStanding))
    write_text(paths[2], to_markdown(found))
    return paths


_NAMES = ("evaluations", "strategy", "n", "regret", "best found", "behind `default`", "p")
_HEAD = f"""# Searches: regret after a budget of evaluations

All 15625 cells are searched, values are the table's. An evaluation is one of the 6466
representatives, of a function class one while other classes are left; peers that suggest another
cell of a class are told its value for nothing, up to {MAX_REPEATS} times in a row. Regret is the
best value in the table minus the best found, mean ± sd over n seeds; "best found" is the share of
runs that found the best representative. Behind `default` is the mean regret minus `default`'s over
the seeds of both, with p of Wilcoxon's two-sided signed-rank test.
"""


def to_markdown(found: Sequence[SearchStanding]) -> str:
    """Return the document: one table per target, by evaluations, the lowest regret first."""
    targets = dict.fromkeys(one.target for one in found)
    tables = [_table(target, [one for one in found if one.target == target]) for target in targets]
    return "\n".join([_HEAD, *tables])


def _table(target: str, found: Sequence[SearchStanding]) -> str:
    rows = [
        (
            one.evaluations,
            one.strategy,
            one.n,
            spread(one.regret, one.regret_sd, digits=4),
            f"{one.found_best:.0%}",
            *_comparison(one),
        )
        for one in found
    ]
    return table_section(f"`{target}`", _NAMES, rows)


def _comparison(one: SearchStanding) -> tuple[str, str]:
    if one.strategy == "default" or not np.isfinite(one.difference):
        return "–", "–"
    return f"{one.difference:+.4f}", f"{one.p_value:.2g}"

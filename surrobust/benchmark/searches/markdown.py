"""The leaderboard of searches as a Markdown document."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..markdown import row, spread
from ..peers import MAX_REPEATS

if TYPE_CHECKING:
    from .leaderboard import SearchStanding

_HEAD = f"""# Searches: regret after a budget of evaluations

All 15625 cells are searched, values are the table's. An evaluation is one of the 6466
representatives, of a function class one while other classes are left; peers that suggest another
cell of a class are told its value for nothing, up to {MAX_REPEATS} times in a row. Regret is the
best value in the table minus the best found, mean ± sd over n seeds; "best found" is the share of
runs that found the best representative. Behind `default` is the mean regret minus `default`'s over
the seeds of both, with p of Wilcoxon's two-sided signed-rank test.
"""


def to_markdown(found: Sequence["SearchStanding"]) -> str:
    """Return the document: one table per target, by evaluations, the lowest regret first."""
    targets = dict.fromkeys(one.target for one in found)
    tables = [table(target, [one for one in found if one.target == target]) for target in targets]
    return "\n".join([_HEAD, *tables])


def table(target: str, found: Sequence["SearchStanding"]) -> str:
    """Return the section of one target."""
    names = ("evaluations", "strategy", "n", "regret", "best found", "behind `default`", "p")
    lines = [f"## `{target}`\n", row(*names), "|---" * len(names) + "|"]
    for one in found:
        lines.append(
            row(
                one.evaluations,
                one.strategy,
                one.n,
                spread(one.regret, one.regret_sd, digits=4),
                f"{one.found_best:.0%}",
                *_comparison(one),
            )
        )
    return "\n".join(lines) + "\n"


def _comparison(one: "SearchStanding") -> tuple[str, str]:
    if one.strategy == "default" or not np.isfinite(one.difference):
        return "–", "–"
    return f"{one.difference:+.4f}", f"{one.p_value:.2g}"

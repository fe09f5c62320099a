"""How far are the published `l2_norm`, and ours, a count of convolutions plus noise?"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np

from experiments.frame import Experiment, Key, Lines
from experiments.proxies.correlations import load_scores
from surrobust.metrics import spearman_rho
from surrobust.proxies import score_proxies
from surrobust.spaces import Architecture
from surrobust.tables import load_proxy_columns


@dataclass(frozen=True)
class Row:
    """Shares of variance, Spearman among cells of equal count, and of two seeds of ours."""

    proxy: str
    ours: Annotated[float, ".5f"]
    published: Annotated[float, ".5f"]
    within: Annotated[float, ".3f"]
    within_sd: Annotated[float, ".3f"]
    counts: int
    again: Annotated[float, ".4f"]
    n_again: int


def keys() -> Iterator[Key]:
    yield ("l2_norm",)


def measure(proxy: str, *, cells: int = 200) -> Row:
    """Compare on all cells; so many are scored once more with another seed."""
    names, published = load_proxy_columns()
    scores = load_scores()
    theirs = published[scores.index, names.index(proxy)]
    known = np.isfinite(theirs)
    theirs, ours, index = theirs[known], scores[proxy].to_numpy()[known], scores.index[known]
    ops = [Architecture.parse(int(one)).ops for one in index]
    count = np.array([one.count(2) + one.count(3) for one in ops])
    shares = [np.corrcoef(values, count)[0, 1] ** 2 for values in (ours, theirs)]
    within = [
        spearman_rho(ours[count == n], theirs[count == n])
        for n in np.unique(count)
        if (count == n).sum() > 20
    ]
    scored = score_proxies(index[:cells], [proxy], seed=1, batch_size=2, device="cpu")
    again = spearman_rho(ours[:cells], scored[proxy].to_numpy())
    spread = np.mean(within), np.std(within, ddof=1), len(within)
    return Row(proxy, *shares, *spread, again, len(scored))


def tables(rows: list[Row]) -> Lines:
    """One sentence."""
    for row in rows:
        yield (
            f"`{row.proxy}`: {row.ours:.5f} of the variance of ours and {row.published:.5f} of the "
            "published one is the number of convolutions; among cells of equal number ours and "
            f"theirs have Spearman {row.within:.3f} ± {row.within_sd:.3f} (over {row.counts} "
            f"numbers), and ours with another seed has {row.again:.4f} with ours (n = "
            f"{row.n_again}): the ranking among ties is the weights' noise, and no second run "
            "reaches .95."
        )


experiment = Experiment(
    __doc__,
    Path(__file__).with_name("ties.csv"),
    Row,
    keys,
    measure,
    lambda rows: {"ties": tables(rows)},
    smoke={"cells": 10},
)

if __name__ == "__main__":
    experiment.main()

"""Do our proxy scores rank cells as the published ones do?"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np

from experiments.frame import Experiment, Key, Lines
from experiments.markdown import table
from experiments.proxies.correlations import correlate, load_scores
from surrobust.tables import load_proxy_columns


@dataclass(frozen=True)
class Row:
    proxy: str
    exact: str
    """True or False: equal to six digits."""
    n: int
    spearman: Annotated[float, ".5f"]
    sd: Annotated[float, ".5f"]
    kendall: Annotated[float, ".5f"]


def keys() -> Iterator[Key]:
    yield from ((name,) for name in load_proxy_columns()[0])


def measure(proxy: str, *, boots: int = 500) -> Row:
    names, published = load_proxy_columns()
    scores = load_scores()
    ours, theirs = scores[proxy].to_numpy(), published[scores.index, names.index(proxy)]
    known = np.isfinite(theirs) & np.isfinite(ours)
    exact = np.allclose(ours[known], theirs[known], rtol=1e-6)
    return Row(proxy, str(exact), *correlate(ours, theirs, boots))


def tables(rows: list[Row]) -> Lines:
    body = []
    for row in rows:
        told = f"{row.spearman:.4f} ± {row.sd:.4f}", f"{row.kendall:.4f}"
        body.append([row.proxy, row.n, *told, "yes" if row.exact == "True" else "no"])
    heads = ["proxy", "n", "Spearman ± sd", "Kendall", "equal to six digits"]
    return table(heads, body, rule=" --- ")


experiment = Experiment(
    __doc__,
    Path(__file__).with_name("agreement.csv"),
    Row,
    keys,
    measure,
    lambda rows: {"agreement": tables(rows)},
    smoke={"boots": 3},
)

if __name__ == "__main__":
    experiment.main()

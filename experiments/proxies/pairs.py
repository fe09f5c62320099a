"""How much better than another does a proxy rank the same cells, sign apart?"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np

from experiments.frame import Experiment, Key, Lines
from experiments.markdown import table
from experiments.proxies.__main__ import KERNELS, STATISTICS
from experiments.proxies.correlations import FIRST, bootstrap, load_scores
from surrobust.benchmark import TARGETS
from surrobust.metrics import spearman_rho
from surrobust.tables import load_table

PAIRS = [
    *(
        (f"{kernel}{ending}", f"{KERNELS[0]}{ending}", TARGETS[0])
        for ending in STATISTICS.values()
        for kernel in KERNELS[1:]
    ),
    *(("certified_bound", FIRST, target) for target in TARGETS[:2]),
    *(("nwot", FIRST, target) for target in TARGETS[:4]),
]


@dataclass(frozen=True)
class Row:
    proxy: str
    beside: str
    target: str
    n: int
    gain: Annotated[float, ".5f"]
    sd: Annotated[float, ".5f"]

    @property
    def place(self) -> int:
        return PAIRS.index((self.proxy, self.beside, self.target))


def keys() -> Iterator[Key]:
    yield from PAIRS


def measure(proxy: str, beside: str, target: str, *, boots: int = 500) -> Row:
    """The gain in Spearman's size, and its deviation over draws of cells."""
    scores = load_scores()
    values = load_table(target.split("/")[0]).to_frame()[target].reindex(scores.index)
    known = scores[proxy].notna() & scores[beside].notna()
    a, b, y = (v[known].to_numpy() for v in (scores[proxy], scores[beside], values))
    signs = [np.sign(spearman_rho(score, y)) for score in (a, b)]
    gain = signs[0] * spearman_rho(a, y) - signs[1] * spearman_rho(b, y)
    drawn = signs[0] * bootstrap(a, y, boots) - signs[1] * bootstrap(b, y, boots)
    return Row(proxy, beside, target, int(known.sum()), gain, drawn.std(ddof=1))


def tables(rows: list[Row]) -> Lines:
    body = []
    for row in rows:
        told = f"{row.gain:+.3f} ± {row.sd:.3f}"
        body.append([row.proxy, row.beside, row.target.partition("/")[2], row.n, told])
    return table(["proxy", "beside", "target", "n", "gain in Spearman's size"], body, rule=" --- ")


experiment = Experiment(
    __doc__,
    Path(__file__).with_name("pairs.csv"),
    Row,
    keys,
    measure,
    lambda rows: {"pairs": tables(rows)},
    smoke={"boots": 3},
    order=lambda row: row.place,
)

if __name__ == "__main__":
    experiment.main()

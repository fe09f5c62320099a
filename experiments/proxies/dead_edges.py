"""Do our proxy scores rank as the published ones do, where no signal passes some edges of a cell?

The table that the package reads has no such cells. An earlier one of NAS-Bench-Suite-Zero has: 724
cells drawn at random, CIFAR-10, in the history of github.com/automl/NASLib (Apache-2.0):

git show 1bdbd960ee3e08b4b71dfbae57ff4d4e43ec25c1:naslib/data/zc_nasbench201.json

Scores go to ``--scores``, a line per cell; what is there is not done again.
"""

import ast
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import torch

from experiments.frame import Experiment, Key, Lines, Number
from experiments.markdown import NOTHING, table
from experiments.proxies.correlations import correlate
from experiments.proxies.score import read_batch, read_done
from surrobust.proxies import ProxyScorer
from surrobust.spaces import EDGES, Architecture

SHA256 = "80e131a5f2cd0320bd5524945a9df9f7a115a642654644f909e879f747fb3c4a"
NAMES = (
    "params", "flops", "synflow", "nwot", "l2_norm", "snip", "grad_norm", "plain", "fisher",
    "jacov", "epe_nas",
)  # fmt: skip
ALL = "all"
_NONE, _CONVOLUTIONS, _INPUT, _OUTPUT = 0, (2, 3), 0, 3


@dataclass(frozen=True)
class Row:
    proxy: str
    kind: str
    cells: int
    only_ours: int
    only_theirs: int
    exact: str
    """True or False: equal to six digits."""
    n: int
    spearman: Annotated[Number, ".5f", ""]
    sd: Annotated[Number, ".5f", ""]
    kendall: Annotated[Number, ".5f", ""]


def keys() -> Iterator[Key]:
    yield from ((name,) for name in NAMES)


def measure(
    proxy: str,
    *,
    published: Path = Path("zc_nasbench201.json"),
    images: Path = Path("cifar10-jpeg/train"),
    scores: Path = Path("dead-edges.jsonl"),
) -> Iterator[Row]:
    """Correlate scores of all cells with such edges, and of those of each kind."""
    theirs = read_published(published)
    every = pd.Series({index: kind_of(Architecture.parse(int(index))) for index in theirs.index})
    kinds = every.dropna()
    ours = score(tuple(Architecture.parse(int(one)) for one in kinds.index), images, scores)
    groups = {ALL: kinds.notna()} | {kind: kinds == kind for kind in sorted(kinds.unique())}
    for kind, mine in groups.items():
        a, b = (frame.loc[mine.index[mine], proxy].to_numpy() for frame in (ours, theirs))
        known = np.isfinite(a), np.isfinite(b)
        both = known[0] & known[1]
        alone = (int((known[0] & ~both).sum()), int((known[1] & ~both).sum()))
        exact = bool(both.any() and np.allclose(a[both], b[both], rtol=1e-6))
        yield Row(proxy, kind, int(mine.sum()), *alone, str(exact), *correlate(a, b, 500))


def kind_of(cell: Architecture) -> str | None:
    """Say what the edges of a cell that no signal passes are; None where there are none."""
    edges = [(*edge, op) for edge, op in zip(EDGES, cell.ops, strict=True) if op != _NONE]
    reached, reaching = {_INPUT}, {_OUTPUT}
    for source, target, _ in edges:
        if source in reached:
            reached.add(target)
    for source, target, _ in sorted(edges, reverse=True):
        if target in reaching:
            reaching.add(source)
    if _OUTPUT not in reached:
        return "nothing passes"
    dead = [edge for edge in edges if edge[0] not in reached or edge[1] not in reaching]
    read = [edge for edge in dead if edge[2] in _CONVOLUTIONS and edge[1] in reaching]
    if read:
        return "convolution of zeros is read"
    if any(edge[2] in _CONVOLUTIONS for edge in dead):
        return "convolution that is not read"
    return "skips and pools" if dead else None


@cache
def read_published(path: Path) -> pd.DataFrame:
    """Return the published scores on CIFAR-10, a row per cell; what failed is NaN."""
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        msg = f"{path}: expected the file with sha256 {SHA256}, got {found}"
        raise SystemExit(msg)
    rows = {}
    for ops, scores in json.loads(content)["cifar10"].items():
        cell = Architecture.parse({"op_indices": list(ast.literal_eval(ops))})
        rows[cell.index] = {name: float(scores[name]["score"]) for name in NAMES}
    table = pd.DataFrame.from_dict(rows, orient="index")
    return table.mask((table == -1e8) | np.isinf(table))


@cache
def score(cells: tuple[Architecture, ...], images: Path, out: Path) -> pd.DataFrame:
    """Score the cells that are not in a file yet, as score.py does; return all their scores."""
    torch.set_num_threads(1)
    scorer = ProxyScorer(NAMES, read_batch(images, 64, 0), device="cpu", seed=0)
    done = read_done(out)
    with out.open("a") as file:
        for cell in cells:
            if cell.index not in done:
                done[cell.index] = {"index": cell.index, **scorer.score(cell)}
                file.write(json.dumps(done[cell.index]) + "\n")
                file.flush()
    table = pd.DataFrame([done[cell.index] for cell in cells]).set_index("index")
    return table.astype(float)


def tables(rows: list[Row]) -> Lines:
    """Spearman by kind of cells."""
    known = {(row.proxy, row.kind): row for row in rows}
    kinds = dict.fromkeys(row.kind for row in rows)
    body = []
    for name in NAMES:
        exact = "yes" if known[name, ALL].exact == "True" else "no"
        body.append([name, *(_told(known[name, kind]) for kind in kinds), exact])
    heads = [f"{kind}, {known[NAMES[0], kind].cells} cells" for kind in kinds]
    return table(["proxy", *heads, "equal to six digits"], body, rule=" --- ")


def _told(row: Row) -> str:
    return NOTHING if np.isnan(row.sd) else f"{row.spearman:.3f} ± {row.sd:.3f} ({row.n})"


experiment = Experiment(
    __doc__,
    Path(__file__).with_name("dead_edges.csv"),
    Row,
    keys,
    measure,
    lambda rows: {"dead edges": tables(rows)},
    order=lambda row: NAMES.index(row.proxy),
)

if __name__ == "__main__":
    experiment.main()

"""Our proxy scores beside the published ones, for cells with edges that no signal passes.

python experiments/proxies/dead_edges.py --published zc_nasbench201.json --images FOLDER

The table that the package reads has no such cells. An earlier one of NAS-Bench-Suite-Zero has: 724
cells drawn at random, CIFAR-10, in the history of github.com/automl/NASLib (Apache-2.0):

git show 1bdbd960ee3e08b4b71dfbae57ff4d4e43ec25c1:naslib/data/zc_nasbench201.json

Scores go to ``--scores``, a line per cell; what is there is not done again. Writes dead_edges.csv
and the table in README.
"""

import argparse
import ast
import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from run import HERE, correlate, markdown, write_tables
from score import read_batch, read_done

from surrobust.proxies import ProxyScorer
from surrobust.spaces import EDGES, Architecture

SHA256 = "80e131a5f2cd0320bd5524945a9df9f7a115a642654644f909e879f747fb3c4a"
NAMES = (
    "params", "flops", "synflow", "nwot", "l2_norm", "snip", "grad_norm", "plain", "fisher",
    "jacov", "epe_nas",
)  # fmt: skip
_NONE, _CONVOLUTIONS, _INPUT, _OUTPUT = 0, (2, 3), 0, 3


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


def score(cells: list[Architecture], images: Path, out: Path) -> pd.DataFrame:
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


def compare(ours: pd.DataFrame, theirs: pd.DataFrame, kinds: pd.Series) -> pd.DataFrame:
    """Correlate the scores, of all cells and of those of each kind."""
    groups = {"all": kinds.notna()} | {kind: kinds == kind for kind in sorted(kinds.unique())}
    rows = []
    for name in NAMES:
        for kind, mine in groups.items():
            a, b = (table.loc[mine.index[mine], name].to_numpy() for table in (ours, theirs))
            known = np.isfinite(a) & np.isfinite(b)
            found = {
                "proxy": name,
                "kind": kind,
                "cells": int(mine.sum()),
                "only_ours": int((np.isfinite(a) & ~np.isfinite(b)).sum()),
                "only_theirs": int((np.isfinite(b) & ~np.isfinite(a)).sum()),
                "exact": bool(known.any() and np.allclose(a[known], b[known], rtol=1e-6)),
            }
            rows.append(found | correlate(a, b, 500))
    return pd.DataFrame(rows)


def as_table(results: pd.DataFrame) -> str:
    kinds = list(results["kind"].unique())
    cells = results.set_index(["proxy", "kind"])
    rows = []
    for name in NAMES:
        told = [
            "–"
            if np.isnan(row["spearman"])
            else f"{row['spearman']:.3f} ± {row['sd']:.3f} ({row['n']})"
            for row in (cells.loc[(name, kind)] for kind in kinds)
        ]
        rows.append([name, *told, "yes" if cells.loc[(name, "all"), "exact"] else "no"])
    heads = [f"{kind}, {int(cells.loc[('params', kind), 'cells'])} cells" for kind in kinds]
    return markdown(["proxy", *heads, "equal to six digits"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--published", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True, help="folder of images by class")
    parser.add_argument("--scores", type=Path, default=Path("dead-edges.jsonl"))
    parser.add_argument("--dry", action="store_true", help="print, and write only the scores")
    given = parser.parse_args()
    theirs = read_published(given.published)
    every = pd.Series({index: kind_of(Architecture.parse(int(index))) for index in theirs.index})
    kinds = every.dropna()
    ours = score([Architecture.parse(int(one)) for one in kinds.index], given.images, given.scores)
    results = compare(ours, theirs.loc[kinds.index], kinds)
    table = as_table(results)
    print(table)
    if not given.dry:
        results.to_csv(HERE / "dead_edges.csv", index=False, float_format="%.5f")
        write_tables(HERE / "README.md", {"dead edges": table})


if __name__ == "__main__":
    main()

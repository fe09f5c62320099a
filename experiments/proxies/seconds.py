"""Processor seconds per cell: all proxies in one go, each alone, and a plain loop, in one run.

python experiments/proxies/seconds.py --images FOLDER [--cells 5]

The plain loop is one cell, one proxy, one network at a time, in torch's own memory layout.
"""

import argparse
import csv
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from score import SETS, read_batch

from surrobust.networks import build_network
from surrobust.proxies import AbstractProxy, Probe, ProxyScorer
from surrobust.proxies.probe import make_generator
from surrobust.proxies.scoring import find_proxies
from surrobust.spaces import Architecture, NASBench201

HERE = Path(__file__).parent
Batch = tuple[torch.Tensor, torch.Tensor]


def spent(work: Callable[[Architecture], object], cells: list[Architecture]) -> np.ndarray:
    """Processor seconds of each cell."""
    found = []
    for cell in cells:
        start = time.process_time()
        work(cell)
        found.append(time.process_time() - start)
    return np.array(found)


def plainly(proxy: AbstractProxy, batch: Batch, scorer: ProxyScorer) -> Callable:
    """One cell, one proxy: a network of its own in torch's own memory layout."""

    def score(cell: Architecture) -> float:
        generator = make_generator(0, cell, "weights")
        network = build_network(cell, normalisation=scorer.normalisation, generator=generator)
        return proxy.score(Probe(network, *batch, needs=proxy.needs))

    return score


def time_set(name: str, batch: Batch, cells: list[Architecture]) -> list[tuple]:
    """Time a set of proxies in all three ways."""
    proxies = find_proxies(SETS[name])
    together = ProxyScorer(proxies, batch, device="cpu")
    together.score(Architecture.parse(0))  # what only the first call costs
    ours, plain_total = spent(together.score, cells), np.zeros(len(cells))
    rows = []
    for proxy in proxies:
        alone = spent(ProxyScorer([proxy], batch, device="cpu").score, cells)
        plain = spent(plainly(proxy, batch, together), cells)
        plain_total += plain
        rows.append((name, proxy.column, alone.mean(), alone.std(ddof=1), plain.mean()))
    ratios = plain_total / ours
    print(f"{name}: ratio {ratios.mean():.2f} ± {ratios.std(ddof=1):.2f}, n = {len(cells)}")
    return [
        (name, "all in one go", ours.mean(), ours.std(ddof=1), plain_total.mean()),
        *rows,
        (name, "ratio", ratios.mean(), ratios.std(ddof=1), ""),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True, help="folder of images by class")
    parser.add_argument("--cells", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=64)
    given = parser.parse_args()
    torch.set_num_threads(1)
    batch = read_batch(given.images, given.batch_size, 0)
    cells = [c for c in NASBench201().sample(200, seed=1) if c.representative == c][: given.cells]
    rows = [row for name in SETS for row in time_set(name, batch, cells)]
    with (HERE / "seconds.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("set", "what", "mean", "sd", "plain"))
        writer.writerows([[f"{v:.4f}" if isinstance(v, float) else v for v in row] for row in rows])


if __name__ == "__main__":
    main()

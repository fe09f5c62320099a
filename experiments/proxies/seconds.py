"""Processor seconds per cell: all proxies in one go, each alone, and a plain loop, in one run.

The plain loop is one cell, one proxy, one network at a time, in torch's own memory layout.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch

from experiments.frame import Experiment, Key, Lines, Number
from experiments.markdown import table
from experiments.proxies.score import SETS, read_batch
from surrobust.networks import build_network
from surrobust.proxies import AbstractProxy, Probe, ProxyScorer
from surrobust.proxies.probe import make_generator
from surrobust.proxies.scoring import find_proxies
from surrobust.spaces import Architecture, NASBench201

Batch = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Row:
    set: str
    what: str
    mean: Annotated[float, ".4f"]
    sd: Annotated[float, ".4f"]
    plain: Annotated[Number, ".4f", ""]


def keys(sets: tuple[str, ...] = tuple(SETS)) -> Iterator[Key]:
    yield from ((name,) for name in sets)


def measure(
    set: str, *, images: Path = Path("cifar10-jpeg/train"), cells: int = 5, batch_size: int = 64
) -> Iterator[Row]:
    """Time a set of proxies in all three ways."""
    torch.set_num_threads(1)
    batch = read_batch(images, batch_size, 0)
    drawn = [c for c in NASBench201().sample(200, seed=1) if c.representative == c][:cells]
    proxies = find_proxies(SETS[set])
    together = ProxyScorer(proxies, batch, device="cpu")
    together.score(Architecture.parse(0))  # what only the first call costs
    ours, plainly = spent(together.score, drawn), np.zeros(len(drawn))
    rows = []
    for proxy in proxies:
        alone = spent(ProxyScorer([proxy], batch, device="cpu").score, drawn)
        plain = spent(plain_loop(proxy, batch, together), drawn)
        plainly += plain
        rows.append(Row(set, proxy.column, alone.mean(), alone.std(ddof=1), Number(plain.mean())))
    ratios = plainly / ours
    yield Row(set, "all in one go", ours.mean(), ours.std(ddof=1), Number(plainly.mean()))
    yield from rows
    yield Row(set, "ratio", ratios.mean(), ratios.std(ddof=1), Number("nan"))


def spent(work: Callable[[Architecture], object], cells: list[Architecture]) -> np.ndarray:
    """Processor seconds of each cell."""
    found = []
    for cell in cells:
        start = time.process_time()
        work(cell)
        found.append(time.process_time() - start)
    return np.array(found)


def plain_loop(proxy: AbstractProxy, batch: Batch, scorer: ProxyScorer) -> Callable:
    """One cell, one proxy: a network of its own in torch's own memory layout."""

    def score(cell: Architecture) -> float:
        generator = make_generator(0, cell, "weights")
        network = build_network(cell, normalisation=scorer.normalisation, generator=generator)
        return proxy.score(Probe(network, *batch, needs=proxy.needs))

    return score


def tables(rows: list[Row]) -> Lines:
    body = []
    for row in rows:
        plain = "" if np.isnan(row.plain) else f"{row.plain:.2f}"
        body.append([row.set, row.what, f"{row.mean:.2f} ± {row.sd:.2f}", plain])
    return table(["set", "what", "ours ± sd", "plain loop"], body, rule=" --- ")


experiment = Experiment(
    __doc__,
    Path(__file__).with_name("seconds.csv"),
    Row,
    keys,
    measure,
    lambda rows: {"seconds": tables(rows)},
    smoke={"sets": ["cheap"], "images": Path("random"), "cells": 2, "batch_size": 4},
    order=lambda row: list(SETS).index(row.set),
)

if __name__ == "__main__":
    experiment.main()

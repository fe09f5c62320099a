"""Score representatives in a random order, a line per cell; what is there is not done again.

python -m experiments.proxies.score cheap --images FOLDER --out scores-cheap.jsonl
"""

import json
import time
from collections.abc import Iterable
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image

from experiments.frame import run
from surrobust.networks.cell import live_edges
from surrobust.proxies import ProxyScorer
from surrobust.proxies.croze import Croze
from surrobust.proxies.ntk import STATISTICS, NtkClean, NtkRobust, NtkRobustTwice
from surrobust.proxies.scoring import find_proxies
from surrobust.spaces import Architecture, NASBench201

SETS = {
    "cheap": (
        "params", "flops", "synflow", "nwot", "l2_norm", "snip", "grad_norm", "plain", "fisher",
        "zen", "jacov", "epe_nas",
    ),
    "costly": (
        "grasp", "jacobian_norm", "hessian_eigenvalue", "jacobian_bound", "certified_bound",
        "croze", Croze("code"),
        *(kernel(statistic) for kernel in (NtkClean, NtkRobust, NtkRobustTwice)
          for statistic in STATISTICS),
    ),
}  # fmt: skip
COLUMNS = tuple(proxy.column for names in SETS.values() for proxy in find_proxies(names))
CONVOLUTIONS = (2, 3)


def cells_in_order() -> list[Architecture]:
    cells = NASBench201().representatives()
    return [cells[i] for i in np.random.default_rng(0).permutation(len(cells))]


def has_cut_off(cell: Architecture) -> bool:
    """Return whether a cell has a convolution that no signal passes."""
    live = live_edges(cell.ops)
    return any(op in CONVOLUTIONS and edge not in live for edge, op in enumerate(cell.ops))


def read_batch(folder: Path, size: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw images of a folder with one folder per class, uniformly with replacement of classes.

    ``random`` is noise.
    """
    rng = np.random.default_rng(seed)
    if folder == Path("random"):
        x = torch.from_numpy(rng.random((size, 3, 32, 32), dtype=np.float32))
        return x, torch.from_numpy(rng.integers(0, 10, size))
    classes = sorted(path for path in folder.iterdir() if path.is_dir())
    y = rng.integers(0, len(classes), size)
    images = []
    for label in y:
        files = sorted(classes[label].iterdir())
        image = Image.open(files[rng.integers(len(files))]).convert("RGB")
        images.append(np.asarray(image))
    x = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255
    return x, torch.from_numpy(y)


def read_done(path: Path) -> dict[int, dict]:
    """Return the lines that were written whole, by index."""
    done = {}
    for line in path.read_text().splitlines() if path.is_file() else ():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        done[entry["index"]] = entry
    return done


def score_into(
    path: Path, scorer: ProxyScorer, cells: Iterable[Architecture], *, seconds: float = inf
) -> dict[int, dict]:
    """Score the cells that a file does not have yet, for so long; return all that it has."""
    done, began = read_done(path), time.monotonic()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write("\n")  # closes a line that a crash cut off
        for cell in cells:
            if time.monotonic() - began > seconds:
                break
            if cell.index not in done:
                start = time.perf_counter()
                scores = scorer.score(cell)
                spent = round(time.perf_counter() - start, 3)
                done[cell.index] = {"index": cell.index, "seconds": spent, **scores}
                file.write(json.dumps(done[cell.index]) + "\n")
                file.flush()
    return done


def main(
    *,
    sets: tuple[str, ...] = tuple(SETS),
    only: tuple[str, ...] = COLUMNS,
    images: Path = Path("cifar10-jpeg/train"),
    out: Path = Path("scores.jsonl"),
    cells: int = 6466,
    cut_off: bool = False,
    batch_size: int = 64,
    cells_per_stage: int = 5,
    seed: int = 0,
    seconds: float = inf,
) -> None:
    """Score so many cells, for so long; ``cut_off``: of these only those of ``has_cut_off``."""
    torch.set_num_threads(1)
    scorer = ProxyScorer(
        [proxy for name in sets for proxy in find_proxies(SETS[name]) if proxy.column in only],
        read_batch(images, batch_size, seed),
        cells_per_stage=cells_per_stage,
        device="cpu",
        seed=seed,
    )
    chosen = [cell for cell in cells_in_order()[:cells] if not cut_off or has_cut_off(cell)]
    done = score_into(out, scorer, chosen, seconds=seconds)
    print(f"{sum(cell.index in done for cell in chosen)} of {len(chosen)} cells")


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        smoke = {"images": Path("random"), "cells": 2, "batch_size": 4, "sets": ["cheap"]}
        run(main, __doc__, smoke=smoke | {"out": Path(folder, "scores.jsonl")})

"""Score representatives in a random order, a line per cell; what is there is not done again.

python -m experiments.proxies.score cheap --images FOLDER --out scores-cheap.jsonl
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set", choices=SETS)
    parser.add_argument("--only", nargs="+", help="columns of the set; otherwise all")
    parser.add_argument("--images", type=Path, required=True, help="folder of images by class")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cells", type=int, default=6466, help="stop after so many")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--cells-per-stage", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long")
    parser.add_argument("--cut-off", action="store_true", help="only cells of has_cut_off")
    given = parser.parse_args()
    torch.set_num_threads(1)
    proxies = find_proxies(SETS[given.set])
    scorer = ProxyScorer(
        [proxy for proxy in proxies if not given.only or proxy.column in given.only],
        read_batch(given.images, given.batch_size, given.seed),
        cells_per_stage=given.cells_per_stage,
        device="cpu",
        seed=given.seed,
    )
    done = read_done(given.out)
    began = time.monotonic()
    given.out.parent.mkdir(parents=True, exist_ok=True)
    with given.out.open("a") as file:
        file.write("\n")  # closes a line that a crash cut off
        for cell in cells_in_order()[: given.cells]:
            if time.monotonic() - began > given.seconds:
                break
            if cell.index in done or (given.cut_off and not has_cut_off(cell)):
                continue
            start = time.perf_counter()
            scores = scorer.score(cell)
            seconds = time.perf_counter() - start
            entry = {"index": cell.index, "seconds": round(seconds, 3), **scores}
            file.write(json.dumps(entry) + "\n")
            file.flush()


if __name__ == "__main__":
    main()

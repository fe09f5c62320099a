"""Does it help to search eight times as long as ``run.py`` does?

    python experiments/differentiable/longer.py --images DIR     # resumable run by run
    python experiments/differentiable/longer.py --images DIR --smoke

The same networks and sizes, on 8192 images instead of 1024: 384 steps instead of 48. Writes
``longer.csv``; prints the table.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import run
import torch

CONDITIONS = ("darts", "arnas", "dsrna jacobian", run.RANDOM, "arnas without MGDA")
SETTINGS = replace(run.SETTINGS, limit=8192)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", default="cifar10")
    parser.add_argument("--data-dir")
    parser.add_argument("--out", type=Path, default=run.HERE / "longer.csv")
    parser.add_argument("--smoke", action="store_true", help="two steps, one seed; no file")
    args = parser.parse_args()
    torch.set_num_threads(1)
    tables = run.Tables(args.data_dir)
    if args.smoke:
        small = replace(SETTINGS, limit=64, epochs=2, batch=16)
        print(run.one("darts", 0, args, small, tables)[0])
        return
    rows = run.read(args.out)
    for name in CONDITIONS:
        for seed in run.SEEDS:
            if any(r["condition"] == name and int(r["seed"]) == seed for r in rows):
                continue
            if name == run.RANDOM:
                spent = [float(r["seconds"]) for r in rows if r["condition"] == "arnas"]
                rows += run.trained(seed, float(np.mean(spent)), args, SETTINGS, tables)
            else:
                rows += run.one(name, seed, args, SETTINGS, tables)
            run.write(args.out, rows)
            print(rows[-1], flush=True)
    print_table(rows)


def print_table(rows: list[dict]) -> None:
    """Print mean and standard deviation over the seeds of each condition and role."""
    for key in dict.fromkeys((row["condition"], row["role"]) for row in rows):
        own = [row for row in rows if (row["condition"], row["role"]) == key]
        values = [run.spread([float(row[name]) for row in own]) for name in run.TARGETS]
        seconds = f"{np.mean([float(row['seconds']) for row in own]):.0f}"
        codes = " ".join(row["code"] for row in own)
        print(" | ".join(["", *key, codes, *values, seconds, run.told(own), ""]).strip())


if __name__ == "__main__":
    main()

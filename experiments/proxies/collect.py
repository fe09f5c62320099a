"""Write ``data/proxies.csv.gz`` and ``data/proxies.json`` from the lines of score.py.

python -m experiments.proxies.collect scores-cheap.jsonl scores-costly.jsonl --commit HASH
"""

import argparse
import gzip
import hashlib
import io
from pathlib import Path

import pandas as pd

from experiments.proxies.score import SETS, cells_in_order, read_done
from surrobust._files import write_bytes, write_json
from surrobust.proxies.scoring import find_proxies

DATA = Path(__file__).resolve().parents[2] / "data"


def collect(files: list[Path], entries: dict[int, dict]) -> pd.DataFrame:
    """Return one row per cell that any file has, in the order of scoring; 7 digits suffice.

    What the files have replaces what ``entries`` have of a cell.
    """
    for path in files:
        for index, entry in read_done(path).items():
            entries.setdefault(index, {}).update(entry)
    columns = [proxy.column for name in SETS for proxy in find_proxies(SETS[name])]
    rows = [
        {"index": cell.index, "code": cell.code}
        | {name: entries[cell.index].get(name) for name in columns}
        for cell in cells_in_order()
        if cell.index in entries
    ]
    return pd.DataFrame(rows).set_index("index")


def read_shipped() -> dict[int, dict]:
    """Return the rows of the table that is there, by index."""
    table = pd.read_csv(DATA / "proxies.csv.gz", dtype={"code": str}).set_index("index")
    return table.drop(columns="code").to_dict("index")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--commit", required=True, help="of the code that scored")
    parser.add_argument("--onto", action="store_true", help="replace columns of the table there")
    given = parser.parse_args()
    table = collect(given.files, read_shipped() if given.onto else {})
    text = io.StringIO()
    table.to_csv(text, float_format="%.9g", lineterminator="\n")
    content = gzip.compress(text.getvalue().encode(), mtime=0)
    write_bytes(DATA / "proxies.csv.gz", content)
    numbers = table.drop(columns="code")
    write_json(
        DATA / "proxies.json",
        {
            "sha256": hashlib.sha256(content).hexdigest(),
            "rows": len(table),
            "n": {name: int(numbers[name].notna().sum()) for name in numbers},
            "order": "numpy default_rng(0).permutation of the 6466 representatives",
            "images": "JPEG stand-in for CIFAR-10's training images, folder cifar10-jpeg/train",
            "batch": "64 images drawn with seed 0, normalised by their own mean and deviation; "
            "grasp, jacobian_norm, hessian_eigenvalue, jacobian_bound and the kernels read the "
            "first 16, croze the first 8, certified_bound the first 2",
            "network": "NAS-Bench-201, C = 16, N = 5, 10 classes, 32 x 32, torch's default "
            "weights, one draw per cell",
            "seed": 0,
            "device": "cpu",
            "machine": "2 CPU cores, one thread",
            "commit": given.commit,
            "command": "experiments/proxies/score.py cheap|costly, then collect.py",
        },
    )
    print(f"{len(table)} cells, {len(content)} bytes")


if __name__ == "__main__":
    main()

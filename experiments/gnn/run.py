"""One graph network for all targets of both benchmarks, beside trees, `default`, and mixtures.

    python experiments/gnn/run.py                          # everything, resumable
    python experiments/gnn/run.py --smoke                  # one small split
    python experiments/gnn/run.py --report                 # only README's tables and the figure

Reads the tables as the package does (``--data-dir``, ``SURROBUST_DATA``, per-user cache). Keeps
what each learner predicts in ``predictions/`` (a file per learner, N and split, written whole or
not at all); from those come ``results.csv``, the tables between the markers of ``README.md`` and
the figure.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np

import surrobust as sr
from surrobust.benchmark import TARGETS, split
from surrobust.predictors import make_predictor

HERE = Path(__file__).parent
BENCHMARKS = ("nas-robbench-201", "jung2023")
DESIGN_TARGETS = (
    "nas-robbench-201/cifar10/fgsm-3",
    "nas-robbench-201/imagenet16-120/pgd-8",
    "jung2023/cifar100/pgd-1",
    "jung2023/cifar10/square-1",
)
LEARNERS = {
    "gnn-joint": ("gnn", ""),
    "gnn-benchmark.0": ("gnn", BENCHMARKS[0]),
    "gnn-benchmark.1": ("gnn", BENCHMARKS[1]),
    "default": ("default", None),
    "xgboost": ("xgboost", None),
    "xgboost-joint": ("xgboost", ""),
    "default-joint": ("default", ""),
    "gnn": ("gnn", None),
}
"""Name: registered predictor, and the start of the targets that one is fitted to; None: one each.

Where targets are not predicted there is NaN.
"""


class Data:
    """Cells by ascending index and the values of all targets of both benchmarks, ``(n, 63)``."""

    def __init__(self, data_dir: str | None) -> None:
        tables = [sr.load_table(name, data_dir=data_dir) for name in BENCHMARKS]
        self.cells = tables[0].architectures
        self.keys = [str(target) for table in tables for target in table.targets]
        self.values = np.column_stack([t.values(key) for t in tables for key in t.targets])

    def columns(self, targets: list[str]) -> list[int]:
        return [self.keys.index(target) for target in targets]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--learners", nargs="+", default=list(LEARNERS), choices=list(LEARNERS))
    parser.add_argument("--sizes", nargs="+", type=int, default=[1000, 200, 5000])
    parser.add_argument("--seeds", nargs="+", type=int, default=list(range(10)))
    parser.add_argument("--design", action="store_true", help="the design targets instead")
    parser.add_argument("--data-dir")
    parser.add_argument("--predictions", type=Path, default=HERE / "predictions")
    parser.add_argument("--smoke", action="store_true", help="one small split, two learners")
    parser.add_argument("--report", action="store_true", help="only results, tables and figure")
    args = parser.parse_args()
    if args.smoke:
        args.sizes, args.seeds, args.learners = [20], [0], ["default-joint", "xgboost-joint"]
        args.predictions = HERE / "predictions" / "smoke"
    targets = list(DESIGN_TARGETS if args.design else TARGETS)
    data = Data(args.data_dir)
    if not args.report:
        args.predictions.mkdir(parents=True, exist_ok=True)
        for n_train, seed, name in product(args.sizes, args.seeds, args.learners):
            file = args.predictions / f"{name}-{n_train}-{seed}.npz"
            if not file.exists():
                _write(file, predict(name, data, targets, n_train=n_train, seed=seed))
                print(f"{file.stem}: {np.load(file)['seconds']:.0f} s", file=sys.stderr, flush=True)
    if not args.smoke and not args.design:
        sys.path.insert(0, str(HERE))
        import report

        report.write(data, list(stored(args.predictions)))


def predict(
    name: str, data: Data, targets: list[str], *, n_train: int, seed: int
) -> dict[str, np.ndarray]:
    """Fit a learner on one split; return what it predicts on the others, and its CPU seconds.

    Args:
        name: In ``LEARNERS``.
        data: Cells and values.
        targets: What is predicted; those fitted jointly see all of their benchmarks.
        n_train: Training cells.
        seed: Of the split and of the learner.
    """
    kind, start_of_key = LEARNERS[name]
    train, test = split(len(data.cells), n_train=n_train, seed=seed)
    seen, held_out = [data.cells[i] for i in train], [data.cells[i] for i in test]
    predicted = np.full((len(test), len(data.keys)), np.nan)
    if start_of_key is None:
        groups = [[column] for column in data.columns(targets)]
    else:
        groups = [[i for i, key in enumerate(data.keys) if key.startswith(start_of_key)]]
    start = time.process_time()
    for group in groups:
        model = make_predictor(kind, seed=seed, calibration_folds=0)
        model.fit(seen, data.values[np.ix_(train, group)])
        predicted[:, group] = model.predict(held_out)
    predicted = predicted[:, data.columns(targets)]
    return {"predicted": predicted, "seconds": np.array(time.process_time() - start)}


def stored(folder: Path) -> Iterator[tuple[str, int, int, np.ndarray, float]]:
    """Yield learner, N, split, predictions ``(n_test, targets)`` and CPU seconds of each file."""
    for file in sorted(folder.glob("*.npz")):
        name, n_train, seed = file.stem.rsplit("-", 2)
        with np.load(file) as arrays:
            yield name, int(n_train), int(seed), arrays["predicted"], float(arrays["seconds"])


def _write(file: Path, arrays: dict[str, np.ndarray]) -> None:
    part = file.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as stream:
        np.savez(stream, **arrays)
    part.replace(file)


if __name__ == "__main__":
    main()

"""One graph network for all targets of both benchmarks, beside trees, `default`, and mixtures.

What each learner predicts is kept in ``predictions/``, a file per learner, N and split, from which
the mixtures follow.
"""

import io
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np

import surrobust as sr
from experiments.frame import Experiment, Key, Number
from experiments.gnn.report import MIXTURES, WEIGHT, plot, tables
from surrobust._files import write_bytes
from surrobust.benchmark import TARGETS, split
from surrobust.metrics import kendall_tau, rmse
from surrobust.predictors import make_predictor
from surrobust.typing import FloatArray

HERE = Path(__file__).parent
BENCHMARKS = ("nas-robbench-201", "jung2023")
DESIGN_TARGETS = (
    "nas-robbench-201/cifar10/fgsm-3",
    "nas-robbench-201/imagenet16-120/pgd-8",
    "jung2023/cifar100/pgd-1",
    "jung2023/cifar10/square-1",
)
LEARNERS = {
    "gnn-joint": ("gnn", ("",)),
    "gnn-benchmark": ("gnn", BENCHMARKS),
    "default": ("default", None),
    "xgboost": ("xgboost", None),
    "xgboost-joint": ("xgboost", ("",)),
    "default-joint": ("default", ("",)),
    "gnn": ("gnn", None),
}
"""Name: registered predictor, and the starts of the targets that one fits; None: one each."""


@dataclass(frozen=True)
class Row:
    predictor: str
    target: str
    n_train: int
    seed: int
    kendall_tau: float
    rmse: float
    cpu_seconds: Annotated[Number, ".1f", ""]


class Data:
    """Cells by ascending index and the values of all targets of both benchmarks, ``(n, 63)``."""

    def __init__(self) -> None:
        tables = [sr.load_table(name) for name in BENCHMARKS]
        self.cells = tables[0].architectures
        self.keys = [str(target) for table in tables for target in table.targets]
        self.values = np.column_stack([t.values(key) for t in tables for key in t.targets])


@cache
def load_data() -> Data:
    return Data()


def keys(
    learners=(*LEARNERS, *MIXTURES), sizes=(1000, 200, 5000), seeds=range(10)
) -> Iterator[Key]:
    yield from ((name, n, seed) for n, seed, name in product(sizes, seeds, learners))


def measure(
    predictor: str,
    n_train: int,
    seed: int,
    *,
    predictions: Path | None = HERE / "predictions",
    design: bool = False,
) -> Iterator[Row]:
    """Judge a learner or a mixture on all others than the training cells, target by target."""
    targets = DESIGN_TARGETS if design else TARGETS
    folder = predictions / "design" if predictions and design else predictions
    names = MIXTURES.get(predictor, (predictor,))
    parts = (stored(name, n_train, seed, targets, folder) for name in names)
    each, seconds = zip(*parts, strict=True)
    predicted = each[0] if len(each) == 1 else (1 - WEIGHT) * each[0] + WEIGHT * each[1]
    data = load_data()
    test = split(len(data.cells), n_train=n_train, seed=seed)[1]
    for column, target in enumerate(targets):
        true, told = data.values[test, data.keys.index(target)], predicted[:, column]
        tau, error = round(kendall_tau(true, told), 6), rmse(true, told)
        yield Row(predictor, target, n_train, seed, tau, error, Number(sum(seconds)))


def stored(
    name: str, n_train: int, seed: int, targets: tuple[str, ...], folder: Path | None
) -> tuple[FloatArray, float]:
    """Return what a learner predicts and its CPU seconds, from its file where there is one."""
    file = folder and folder / f"{name}-{n_train}-{seed}.npz"
    if file and file.exists():
        with np.load(file) as arrays:
            return arrays["predicted"], float(arrays["seconds"])
    predicted, seconds = predict(name, n_train, seed, targets)
    if file:
        content = io.BytesIO()
        np.savez(content, predicted=predicted, seconds=seconds)
        write_bytes(file, content.getvalue())
    return predicted, seconds


def predict(
    name: str, n_train: int, seed: int, targets: tuple[str, ...]
) -> tuple[FloatArray, float]:
    """Fit a learner on one split; return its predictions ``(n_test, targets)`` and CPU seconds."""
    kind, starts = LEARNERS[name]
    data = load_data()
    train, test = split(len(data.cells), n_train=n_train, seed=seed)
    seen, held_out = [data.cells[i] for i in train], [data.cells[i] for i in test]
    asked = [data.keys.index(target) for target in targets]
    groups = [[i] for i in asked]
    if starts is not None:
        groups = [[i for i, key in enumerate(data.keys) if key.startswith(s)] for s in starts]
    predicted = np.empty((len(test), len(data.keys)))
    start = time.process_time()
    for group in groups:
        model = make_predictor(kind, seed=seed, calibration_folds=0)
        model.fit(seen, data.values[np.ix_(train, group)])
        predicted[:, group] = model.predict(held_out)
    return predicted[:, asked], time.process_time() - start


SMOKE = {"learners": ["xgboost-joint"], "sizes": [20], "seeds": [0], "predictions": None}
experiment = Experiment(
    __doc__, HERE / "results.csv", Row, keys, measure, tables, {"curves.png": plot}, smoke=SMOKE
)

if __name__ == "__main__":
    experiment.main()

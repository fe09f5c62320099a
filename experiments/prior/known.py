"""What a prior may know of a target, and the prior that knows it."""

from functools import lru_cache
from typing import Any

import numpy as np

import surrobust as sr
from surrobust.benchmark import split
from surrobust.processes.prior import PriorScores
from surrobust.tables import MeasurementTable

LEFT_OUT = {"target": "the target", "images": "its image set", "benchmark": "its benchmark"}
COLD = "none"
BENCHMARKS = ("nas-robbench-201", "jung2023")


def table_of(target: str) -> MeasurementTable:
    return sr.load_table(sr.Target.parse(target).benchmark)


def known_targets(left_out: str, target: str) -> tuple[str, ...]:
    mine = sr.Target.parse(target)
    if left_out == "benchmark":
        foreign = (name for name in BENCHMARKS if name != mine.benchmark)
        return tuple(t for name in foreign for t in sr.load_table(name).targets)
    others = (t for t in sr.load_table(mine.benchmark).targets if t != target)
    if left_out == "images":
        return tuple(t for t in others if sr.Target.parse(t).images != mine.images)
    return tuple(others)


@lru_cache(maxsize=8)
def fit_prior(known: tuple[str, ...], n_train: int = 0, seed: int = 0) -> PriorScores:
    """Fit to so many cells, or to all, and ask for every cell."""
    table = table_of(known[0])
    values = np.stack([table.values(t) for t in known], axis=1)
    chosen = np.arange(len(values))
    if n_train:
        chosen, _ = split(len(values), n_train=n_train, seed=seed)
    model = sr.make_predictor("default", process_weight=1.0, calibration_folds=0, seed=seed)
    model.fit([table.architectures[i] for i in chosen], values[chosen], targets=known)
    return PriorScores.of(model)


def given_prior(left_out: str, target: str, n_train: int = 0) -> dict[str, Any]:
    """Return what a predictor is told of a target beforehand."""
    known = () if left_out == COLD else known_targets(left_out, target)
    return {"prior": fit_prior(known, n_train)} if known else {}

"""How honest are deviations and intervals of a predictor with a prior, and of one without?

The third table of README.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

import surrobust as sr
from experiments.frame import Experiment, Key
from experiments.prior.known import given_prior, table_of
from surrobust.benchmark import TARGETS, split
from surrobust.metrics import kendall_tau, r2_score

NORMAL = {0.5: 0.6745, 0.8: 1.2816, 0.9: 1.6449}
"""How many deviations hold which share of a normal distribution."""


@dataclass(frozen=True)
class Row:
    """Share of held-out cells within z deviations, z as of a normal, and within intervals."""

    left_out: str
    target: str
    n_train: int
    seed: int
    kendall_tau: float
    r2: float
    std_50: float
    std_80: float
    std_90: float
    interval_50: float
    interval_80: float
    interval_90: float


def keys(
    left_out=("benchmark", "images"), targets=TARGETS, sizes=(10, 20, 50), seeds=(0,)
) -> Iterator[Key]:
    yield from product(left_out, targets, sizes, seeds)


def measure(left_out: str, target: str, n_train: int, seed: int, *, known_cells: int = 0) -> Row:
    """Fit one predictor with intervals and see how many measured values they hold."""
    table = table_of(target)
    values, cells = table.values(target), table.architectures
    train, test = split(len(values), n_train=n_train, seed=seed)
    prior = given_prior(left_out, target, known_cells)
    model = sr.make_predictor("default", seed=seed, **prior)
    model.fit([cells[i] for i in train], values[train], targets=[target])
    held_out, true = [cells[i] for i in test], values[test]
    predicted, std = model.predict(held_out), model.predict_std(held_out)
    within = [float(np.mean(np.abs(true - predicted) <= z * std)) for z in NORMAL.values()]
    ends = [model.predict_interval(held_out, coverage) for coverage in NORMAL]
    inside = [float(np.mean((lower <= true) & (true <= upper))) for lower, upper in ends]
    scores = kendall_tau(true, predicted), r2_score(true, predicted)
    return Row(left_out, target, n_train, seed, *scores, *within, *inside)


SMOKE = {"left_out": ["images"], "targets": TARGETS[:1], "sizes": [10], "known_cells": 300}
experiment = Experiment(
    __doc__, Path(__file__).with_name("calibration.csv"), Row, keys, measure, smoke=SMOKE
)

if __name__ == "__main__":
    experiment.main()

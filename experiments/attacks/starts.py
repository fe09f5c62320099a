"""PGD from many random starts, ours and foolbox's, in every norm: the second table of README."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from experiments.attacks.networks import NORMS, SETS, Shortest, load_attacked
from experiments.attacks.others import foolbox_attack
from experiments.frame import Experiment, Key
from surrobust.attacks import PGD
from surrobust.measuring import measure_accuracy


@dataclass(frozen=True)
class Row:
    images: str
    norm: str
    epsilon: Shortest
    n: int
    starts: int
    ours_mean: Shortest
    ours_sd: Shortest
    theirs_mean: Shortest
    theirs_sd: Shortest


def keys(sets=tuple(SETS), starts=10) -> Iterator[Key]:
    yield from product(sets, NORMS, [starts])


def measure(
    images: str,
    norm: str,
    starts: int,
    *,
    folder: str | None = None,
    n: int = 0,
    trained_on: int = 0,
) -> Row:
    network, x, y = load_attacked(images, folder, trained_on)
    radii, most, _ = SETS[images]
    x, y, epsilon = x[: n or most], y[: n or most], radii[norm]
    ours, theirs = [], []
    for seed in range(starts):
        ours.append(measure_accuracy(network, x, y, PGD(epsilon, norm=norm, seed=seed)).value)
        attacked = foolbox_attack("pgd", epsilon, norm, seed=seed)(network, x, y)
        theirs.append(float((network(attacked).argmax(1) == y).float().mean()))
    figures = (round(float(f), 5) for v in (ours, theirs) for f in (np.mean(v), np.std(v, ddof=1)))
    return Row(images, norm, epsilon, len(x), starts, *figures)


def order(row: Row) -> tuple[int, ...]:
    return list(SETS).index(row.images), NORMS.index(row.norm), row.starts


SMOKE = {"sets": ["digits"], "starts": 2, "n": 20, "trained_on": 200}
experiment = Experiment(
    __doc__, Path(__file__).with_name("starts.csv"), Row, keys, measure, smoke=SMOKE, order=order
)

if __name__ == "__main__":
    experiment.main()

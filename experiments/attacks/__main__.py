"""Our attacks beside foolbox and the authors' code, on one network and the same images.

``--folder`` is CIFAR-10 by class; ``--sets digits`` needs none.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from experiments.attacks.networks import NORMS, SETS, Shortest, load_attacked
from experiments.attacks.others import FOOLBOX, reference
from experiments.frame import Experiment, Key
from surrobust.attacks import ATTACKS, PGD, AbstractAttack
from surrobust.measuring import Accuracy, compare_paired, measure_accuracy

NAMES = ("pgd-from-image", *ATTACKS)
SLOW = ("apgd-t", "fab-t", "square", "autoattack")


@dataclass(frozen=True)
class Row:
    images: str
    norm: str
    epsilon: Shortest
    attack: str
    reference: str
    n: int
    clean: Shortest
    ours: Shortest
    theirs: Shortest
    only_ours_withstood: int
    only_theirs_withstood: int
    seconds_ours: Shortest
    seconds_theirs: Shortest


def keys(sets=tuple(SETS), attacks=NAMES) -> Iterator[Key]:
    for attack, images, norm in product(attacks, sets, NORMS):
        yield images, norm, attack


def measure(
    images: str,
    norm: str,
    attack: str,
    *,
    folder: str | None = None,
    n: int = 0,
    trained_on: int = 0,
) -> Row:
    """Attack the same images by ours and by theirs; seconds are of CPU time."""
    network, x, y = load_attacked(images, folder, trained_on)
    radii, most, few = SETS[images]
    n, epsilon = n or (few if attack in SLOW else most), radii[norm]
    x, y = x[:n], y[:n]
    started = time.process_time()
    ours = measure_accuracy(network, x, y, make(attack, epsilon, norm))
    seconds = time.process_time() - started
    started = time.process_time()
    attacked = reference(attack, epsilon, norm)(network, x, y)
    theirs = Accuracy.of((network(attacked).argmax(1) == y).numpy())
    their_seconds = time.process_time() - started
    paired = compare_paired(ours.correct, theirs.correct)
    clean = float((network(x).argmax(1) == y).float().mean())
    return Row(
        images=images,
        norm=norm,
        epsilon=epsilon,
        attack=attack,
        reference="foolbox 3.3.4" if attack in FOOLBOX else "pyautoattack 0.2.0",
        n=len(x),
        clean=round(clean, 4),
        ours=round(ours.value, 4),
        theirs=round(theirs.value, 4),
        only_ours_withstood=paired.only_a,
        only_theirs_withstood=paired.only_b,
        seconds_ours=round(seconds, 2),
        seconds_theirs=round(their_seconds, 2),
    )


def make(name: str, epsilon: float, norm: str) -> AbstractAttack:
    if name == "pgd-from-image":
        return PGD(epsilon, norm=norm, random_start=False)
    return ATTACKS[name](epsilon, norm=norm)


def order(row: Row) -> tuple[int, ...]:
    return NAMES.index(row.attack), list(SETS).index(row.images), NORMS.index(row.norm)


SMOKE = {"sets": ["digits"], "attacks": ["apgd-ce"], "n": 20, "trained_on": 200}
experiment = Experiment(
    __doc__, Path(__file__).with_name("results.csv"), Row, keys, measure, smoke=SMOKE, order=order
)

if __name__ == "__main__":
    experiment.main()

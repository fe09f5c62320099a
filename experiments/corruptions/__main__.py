"""A small network under each corruption: as published, ours of before, and the makers' own code.

``--images`` is CIFAR-10 by class; ``--frost`` a data folder with the makers' photographs;
``--maker`` their ``make_cifar_c.py``; ``--weights`` keeps the network.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from torch import nn

from experiments.corruptions.makers import Make, load_maker
from experiments.corruptions.network import load_network, load_tested
from experiments.frame import Experiment, Key
from surrobust.errors import InvalidInputError
from surrobust.images import ImageSet
from surrobust.images.corruptions import CORRUPTIONS, OWN_CORRUPTIONS, SEVERITIES, corrupt
from surrobust.measuring import measure_accuracy

SOURCES = {
    "own": [name for name in CORRUPTIONS if f"own_{name}" in OWN_CORRUPTIONS],
    "ice drawn": ["frost"],
    "as published": list(CORRUPTIONS),
    "makers": list(CORRUPTIONS),
}
"""Which corruptions are of a source; the others it has from another one."""
Shortest = Annotated[float, ""]


@dataclass(frozen=True)
class Row:
    """Mean absolute change of values, of 255, and accuracy, at each severity."""

    source: str
    corruption: str
    n: int
    clean: Shortest
    change_1: Shortest
    accuracy_1: Shortest
    change_2: Shortest
    accuracy_2: Shortest
    change_3: Shortest
    accuracy_3: Shortest
    change_4: Shortest
    accuracy_4: Shortest
    change_5: Shortest
    accuracy_5: Shortest
    accuracy: Shortest


def keys(sources=tuple(SOURCES), corruptions=tuple(CORRUPTIONS)) -> Iterator[Key]:
    for source in sources:
        yield from ((source, name) for name in SOURCES[source] if name in corruptions)


def measure(
    source: str,
    corruption: str,
    *,
    images: str | None = None,
    frost: str | None = None,
    maker: str | None = None,
    weights: str | None = None,
    trained_on: int = 20_000,
    epochs: int = 8,
    n: int = 500,
) -> Row:
    make = find(source, frost, maker)
    network, tested, clean = prepare(images, weights, trained_on, epochs, n)
    name = f"own_{corruption}" if source == "own" else corruption
    figures, accuracies = [], []
    for severity in SEVERITIES:
        x = make(tested.x, name, severity)
        accuracies.append(measure_accuracy(network, x, tested.y).value)
        figures += [round(float(np.abs(x.astype(int) - tested.x).mean()), 2), accuracies[-1]]
    return Row(source, corruption, n, clean, *figures, round(float(np.mean(accuracies)), 4))


def find(source: str, frost: str | None, maker: str | None) -> Make:
    if source in ("own", "ice drawn"):
        return corrupt
    flag, place = ("--maker", maker) if source == "makers" else ("--frost", frost)
    if place is None:
        msg = f"{flag}: expected a path for the source {source}, got nothing"
        raise InvalidInputError(msg)
    if source == "makers":
        return load_maker(Path(place))
    return lambda x, name, severity: corrupt(x, name, severity, frost=Path(place))


@cache
def prepare(
    folder: str | None, weights: str | None, trained_on: int, epochs: int, n: int
) -> tuple[nn.Module, ImageSet, float]:
    """Return the network, the test images and the clean accuracy."""
    torch.set_num_threads(1)
    tested = load_tested(folder, n)
    network = load_network(folder, weights and Path(weights), trained_on, epochs)
    return network, tested, measure_accuracy(network, tested.x, tested.y).value


def order(row: Row) -> tuple[int, ...]:
    return list(SOURCES).index(row.source), list(CORRUPTIONS).index(row.corruption)


SMOKE = {
    "sources": ["own", "ice drawn"],
    "corruptions": ["glass_blur", "frost"],
    "trained_on": 200,
    "epochs": 1,
    "images": "random",
    "n": 20,
}
experiment = Experiment(
    __doc__, Path(__file__).with_name("results.csv"), Row, keys, measure, smoke=SMOKE, order=order
)

if __name__ == "__main__":
    experiment.main()

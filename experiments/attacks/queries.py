"""Square with few queries, Linf: as it was, as it is, and as torchattacks and ART have it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from experiments.attacks.networks import SETS, Shortest, load_attacked
from experiments.frame import Experiment, Key
from surrobust.attacks import Square

SEEDS = 3


@dataclass(frozen=True)
class Row:
    images: str
    epsilon: Shortest
    n: int
    queries: int
    seeds: int
    before_mean: Shortest
    before_sd: Shortest
    now_mean: Shortest
    now_sd: Shortest
    torchattacks_mean: Shortest
    torchattacks_sd: Shortest
    art_mean: Shortest
    art_sd: Shortest


def keys(sets=tuple(SETS), queries=(50, 200, 500, 1000)) -> Iterator[Key]:
    yield from product(sets, queries)


def measure(
    images: str, queries: int, *, folder: str | None = None, n: int = 200, trained_on: int = 0
) -> Row:
    network, x, y = load_attacked(images, folder, trained_on)
    x, y, epsilon = x[:n], y[:n], SETS[images][0]["Linf"]
    figures = []
    for attack in square_attacks(network, epsilon, queries):
        found = [
            float((network(attack(x, y, seed)).argmax(1) == y).float().mean())
            for seed in range(SEEDS)
        ]
        figures += [round(float(np.mean(found)), 4), round(float(np.std(found, ddof=1)), 4)]
    return Row(images, epsilon, n, queries, SEEDS, *figures)


def square_attacks(network, epsilon: float, queries: int) -> list[Callable[..., Tensor]]:
    """Return ours before and now, torchattacks' and ART's."""
    import torchattacks
    from art.attacks.evasion import SquareAttack
    from art.estimators.classification import PyTorchClassifier

    def ours(rescaled: bool | None):
        return lambda x, y, seed: Square(epsilon, queries=queries, rescaled=rescaled, seed=seed)(
            network, x, y, checks=False
        )

    def theirs(x, y, seed):
        return torchattacks.Square(network, eps=epsilon, n_queries=queries, seed=seed)(x, y)

    def arts(x, y, seed):
        np.random.seed(seed)  # noqa: NPY002
        shape = tuple(x.shape[1:])
        loss = nn.CrossEntropyLoss()
        model = PyTorchClassifier(network, loss, shape, 10, clip_values=(0, 1), device_type="cpu")
        attack = SquareAttack(
            model, eps=epsilon, max_iter=queries, batch_size=len(x), verbose=False
        )
        return torch.from_numpy(attack.generate(x.numpy(), y.numpy()))

    return [ours(False), ours(None), theirs, arts]


def order(row: Row) -> tuple[int, ...]:
    return list(SETS).index(row.images), row.queries


SMOKE = {"sets": ["digits"], "queries": [50], "n": 20, "trained_on": 200}
experiment = Experiment(
    __doc__, Path(__file__).with_name("queries.csv"), Row, keys, measure, smoke=SMOKE, order=order
)

if __name__ == "__main__":
    experiment.main()

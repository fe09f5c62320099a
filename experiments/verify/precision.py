"""Does half precision cost anything? The benchmark's recipe at a small scale, also on a CPU."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated

import torch

import surrobust as sr
from experiments.frame import Experiment, Key, Lines
from experiments.markdown import mean, table
from experiments.verify.__main__ import CELL
from experiments.verify.speed import computed_on_a_cpu_with
from surrobust.measuring import measure_accuracy
from surrobust.training import Training
from surrobust.verification.evaluation import parse_metrics

PRECISIONS = ("fp32", "bf16")


@dataclass(frozen=True)
class Row:
    seed: int
    precision: str
    loss: Annotated[float, ""]
    clean: Annotated[float, ""]
    fgsm_8: Annotated[float, ""]
    pgd_8: Annotated[float, ""]


def keys(
    seeds: tuple[int, ...] = (0, 1, 2), precisions: tuple[str, ...] = PRECISIONS
) -> Iterator[Key]:
    yield from product(seeds, precisions)


def measure(
    seed: int,
    precision: str,
    *,
    images: str = "digits",
    device: str = "auto",
    image_size: int = 16,
    n_images: int = 15_000,
    n_test: int = 2000,
    epochs: int = 4,
) -> Row:
    """Train cell 2581 and attack it."""
    torch.set_num_threads(1)
    train = sr.load_images(images, limit=n_images, image_size=image_size, seed=0)
    test = sr.load_images(images, split="test", limit=n_test, image_size=image_size, seed=0)
    recipe = sr.RECIPES["robbench201"]
    recipe = recipe.with_(epochs=epochs, channels=8, cells=1, precision=precision)
    with computed_on_a_cpu_with(precision):
        training = Training(sr.Architecture.parse(CELL), train, recipe, device=device, seed=seed)
        training.run()
    found = (
        measure_accuracy(training.network, test.x, test.y, attack).value
        for attack in parse_metrics(["clean", "fgsm-8", "pgd-8"]).values()
    )
    return Row(seed, precision, training.losses[-1], *found)


def tables(rows: list[Row]) -> Lines:
    """Means over the seeds."""
    body = []
    for name in dict.fromkeys(row.precision for row in rows):
        own = [row for row in rows if row.precision == name]
        found = [[getattr(row, column) for row in own] for column in ("clean", "fgsm_8", "pgd_8")]
        body.append([name, *map(_accuracy, found), mean([row.loss for row in own], 4)])
    head = "small scale, 4 epochs, C = 8, N = 1, 16 × 16 pixels, 15 000 images, tested on 2000"
    return table([f"{head}, seeds 0 to 2", "clean", "fgsm-8", "pgd-8", "last loss"], body)


def _accuracy(values: list[float]) -> str:
    return mean(values, 4).replace("0.", ".")


experiment = Experiment(
    __doc__,
    Path(__file__).with_name("precision.csv"),
    Row,
    keys,
    measure,
    lambda rows: {"precision": tables(rows)},
    smoke={
        "seeds": [0],
        "image_size": 8,
        "n_images": 200,
        "n_test": 100,
        "epochs": 1,
    },
    order=lambda row: (row.seed, PRECISIONS.index(row.precision)),
)

if __name__ == "__main__":
    experiment.main()

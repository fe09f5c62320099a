"""Searches of this experiment: rows of them, random ones of the same cost, and what is told."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Annotated, Any

import numpy as np
import torch
from torch.nn import functional

from experiments.frame import Number
from experiments.markdown import mean
from surrobust.attacks import PGD
from surrobust.differentiable import PRESETS, Arnas, Darts, Dsrna, Settings, gradient_search
from surrobust.differentiable.batches import Halves
from surrobust.differentiable.supernets import find_collapse
from surrobust.errors import InvalidInputError
from surrobust.images import load_images
from surrobust.networks import build_network
from surrobust.spaces import Architecture, NASBench201
from surrobust.tables import load_table

SEEDS = (0, 1, 2)
SETTINGS = replace(PRESETS["cpu"], limit=1024, epochs=3)
GRADIENT_CLASSES = {
    "darts": Darts(),
    "dsrna certified": Dsrna("certified", images=2),
    "dsrna certified, linear": Dsrna("certified", images=2, relaxation="linear"),
    "dsrna certified, linear, ε/8": Dsrna(
        "certified", images=2, epsilon=1 / 8 / 255, relaxation="linear"
    ),
    "dsrna jacobian": Dsrna("jacobian", images=2, epsilon=8 / 255),
    "dsrna combined": Dsrna("combined", images=2),
    "dsrna combined, relative": Dsrna("combined", images=2, relative=True),
    "arnas": Arnas(),
    "arnas without MGDA": Arnas(mgda=False),
    "arnas without placement": Arnas(placed=False),
    "arnas without both": Arnas(mgda=False, placed=False),
}
RANDOM = "random, trained"
TARGETS = {
    "pgd_8": "nas-robbench-201/cifar10/pgd-8",
    "clean": "nas-robbench-201/cifar10/clean",
    "autoattack_8": "nas-robbench-201/cifar10/autoattack-8",
    "jung_clean": "jung2023/cifar10/clean",
    "jung_pgd_1": "jung2023/cifar10/pgd-1",
}

HEADS = tuple(name.replace("g_", "g ").replace("_", "-") for name in TARGETS)
"""As tables name them."""


@dataclass(frozen=True)
class Row:
    condition: str
    seed: int
    role: str
    code: str
    with_zeros: str
    collapse: str
    seconds: Annotated[float, ".1f"]
    steps: int
    cells: Annotated[Number, ".0f", ""]
    clean_share_0: Annotated[Number, ".2f", ""]
    robust_to_loss: Annotated[Number, ".3g", ""]
    pgd_8: Annotated[float, ".4f"]
    clean: Annotated[float, ".4f"]
    autoattack_8: Annotated[float, ".4f"]
    jung_clean: Annotated[float, ".4f"]
    jung_pgd_1: Annotated[float, ".4f"]


def search(name: str, seed: int, images: str, settings: Settings) -> Iterator[Row]:
    """One gradient search: a row for each role."""
    torch.set_num_threads(1)
    notes: list[dict[str, float]] = []
    begun = time.process_time()
    found = gradient_search(
        GRADIENT_CLASSES[name],
        images,
        settings=settings,
        seed=seed,
        device="cpu",
        progress=lambda _step, _total, told: notes.append(dict(told)),
    )
    seconds = time.process_time() - begun
    shares = [note["clean_share"] == 0 for note in notes if "clean_share" in note]
    weights = [note["robust_to_loss"] for note in notes if "robust_to_loss" in note]
    for role, cell in found.cells.items():
        zeros = Architecture.parse(found.document["cells_with_zeros"][role])
        yield Row(
            *(name, seed, role, cell.code, zeros.code, find_collapse(cell) or ""),
            *(seconds, len(notes), Number("nan")),
            Number(np.mean(shares) if shares else "nan"),
            Number(np.median(weights) if weights else "nan"),
            *look_up(cell),
        )


def train_random(seed: int, seconds: float, images: str, settings: Settings) -> Row:
    """Random cells, each trained against PGD-7 as long as a supernet; the best on held-out images.

    As many as fit into the CPU seconds.
    """
    torch.set_num_threads(1)
    found = load_images(images, image_size=settings.image_size, limit=settings.limit, seed=seed)
    halves = Halves(
        found,
        batch=settings.batch,
        augment=False,
        seed=seed,
        device=torch.device("cpu"),
        in_turn=True,
        whole=True,
    )
    representatives = NASBench201().representatives()
    rng = np.random.default_rng([seed, 99])
    begun, best, count = time.process_time(), (-1.0, representatives[0]), 0
    while time.process_time() - begun < seconds:
        cell = representatives[int(rng.integers(len(representatives)))]
        accuracy = train_and_attack(cell, halves, settings, len(found.classes), seed)
        best, count = max(best, (accuracy, cell), key=lambda pair: pair[0]), count + 1
    cell, nothing = best[1], Number("nan")
    return Row(
        *(RANDOM, seed, "cell", cell.code, "", find_collapse(cell) or ""),
        *(time.process_time() - begun, count * settings.epochs * halves.steps, Number(count)),
        *(nothing, nothing, *look_up(cell)),
    )


def arnas_seconds(rows: Iterable[Row]) -> float:
    """Return what random search may take: as long as ``arnas`` did."""
    spent = [row.seconds for row in rows if row.condition == "arnas"]
    if not spent:
        msg = f"{RANDOM}: expected searches of arnas before, whose seconds it has, got none"
        raise InvalidInputError(msg)
    return float(np.mean(spent))


@cache
def values_of(name: str) -> np.ndarray:
    """Return the values of all representatives by ascending index."""
    target = TARGETS[name]
    return np.asarray(load_table(target.split("/")[0]).values(target))


def look_up(cell: Architecture) -> Iterator[float]:
    """Yield the value of every target."""
    for target in TARGETS.values():
        yield float(load_table(target.split("/")[0]).query(cell, target))


def train_and_attack(
    cell: Architecture, halves: Halves, settings: Settings, classes: int, seed: int
):
    """Accuracy under PGD-7 on the other half of a network trained as supernets are."""
    generator = torch.Generator().manual_seed(seed)
    network = build_network(
        cell,
        channels=settings.channels,
        cells=settings.cells,
        classes=classes,
        image_size=settings.image_size,
        generator=generator,
    )
    total = settings.epochs * halves.steps
    sgd = torch.optim.SGD(
        network.parameters(), lr=settings.weight_rate, momentum=0.9, weight_decay=3e-4
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(sgd, total, settings.weight_rate_end)
    attack = PGD(8 / 255, steps=7, step_size=2 / 255, seed=seed)
    for step in range(total):
        batch = halves.fit(step)
        x = attack(network, batch.x, batch.y)
        sgd.zero_grad()
        functional.cross_entropy(network(x), batch.y).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), settings.clip)
        sgd.step()
        schedule.step()
    network.eval()
    right, seen = 0, 0
    for step in range(min(halves.steps, 8)):
        batch = halves.held(step)
        x = attack(network, batch.x, batch.y)
        with torch.no_grad():
            right += int((network(x).argmax(1) == batch.y).sum())
        seen += len(batch.y)
    return right / seen


def by_condition(rows: Iterable[Row]) -> dict[tuple[str, str], list[Row]]:
    """Return rows over seeds by condition and role."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.condition, row.role), []).append(row)
    return groups


def mean_of(rows: list[Any], name: str) -> str:
    """Return mean and standard deviation over seeds."""
    return mean([getattr(row, name) for row in rows])


def told(rows: list[Row]) -> str:
    """Return what else there is to say of a condition."""
    parts, first = [], rows[0]
    collapsed = sum(bool(row.collapse) for row in rows)
    if collapsed:
        parts.append(f"{collapsed} of {len(rows)} collapsed")
    if not np.isnan(first.clean_share_0):
        share = np.mean([row.clean_share_0 for row in rows])
        parts.append(f"MGDA took the attacked gradient alone in {100 * share:.0f} % of steps")
    if not np.isnan(first.robust_to_loss):
        ratio = np.median([row.robust_to_loss for row in rows])
        parts.append(f"gradient of γR / of L: {ratio:.2g}")
    if not np.isnan(first.cells):
        parts.append("cells trained: " + " ".join(f"{row.cells:.0f}" for row in rows))
    return "; ".join(parts)

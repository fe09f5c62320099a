"""Where do the architecture gradients of other attacks point, at one and the same point?

Along the way of a search by the authors' attack, on handwritten digits: the cosine of each attack's
combined architecture gradient with that of the authors'.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from experiments.differentiable.searches import SEEDS
from experiments.frame import Experiment, Key
from experiments.markdown import mean
from surrobust.differentiable import PRESETS, Arnas, InnerStep, SearchBatch, architecture_gradients
from surrobust.differentiable.batches import Halves
from surrobust.differentiable.descent import Descent, fit_loss
from surrobust.differentiable.supernets import build_cell_supernet
from surrobust.images import load_images

# Halves of 266 images: eight batches and ten images in an epoch.
SETTINGS = replace(PRESETS["cpu"], image_size=8, limit=532, epochs=3, order=2)
EVERY = 4
ATTACKS: dict[str, dict[str, Any]] = {
    "arnas": {},
    "arnas, attack in evaluation mode": {"modes": "eval"},
    "arnas, attack on unrolled weights": {"unrolled": True},
    "arnas, attack within [0, 1]": {"clipped": True},
    "arnas, all three": {"modes": "eval", "unrolled": True, "clipped": True},
}


@dataclass(frozen=True)
class Row:
    seed: int
    step: int
    attack: str
    cosine: float


def keys(seeds: tuple[int, ...] = SEEDS) -> Iterator[Key]:
    yield from ((seed,) for seed in seeds)


def measure(seed: int, *, limit: int = SETTINGS.limit) -> Iterator[Row]:
    """Compare at every fourth step."""
    torch.set_num_threads(1)
    settings = replace(SETTINGS, limit=limit)
    images = load_images("digits", image_size=settings.image_size, limit=settings.limit, seed=seed)
    network = build_cell_supernet(
        channels=settings.channels,
        cells=settings.cells,
        classes=len(images.classes),
        placed=True,
        widths=Arnas.widths,
        normalisation=images.statistics,
        generator=torch.Generator().manual_seed(seed),
    )
    device = torch.device("cpu")
    halves = Halves(images, batch=settings.batch, augment=False, seed=seed, device=device)
    descent = Descent(network, Arnas(), settings, halves)
    while descent.step < descent.total:
        if descent.step % EVERY == 0:
            slopes = {name: slope(descent, Arnas(**ATTACKS[name])) for name in ATTACKS}
            for name, vector in slopes.items():
                cosine = torch.cosine_similarity(vector, slopes["arnas"], dim=0)
                yield Row(seed, descent.step, name, float(cosine))
        descent.advance()


def slope(descent: Descent, method: Arnas) -> torch.Tensor:
    """Return the architecture gradient of a strategy where a search is."""
    network, fit = descent.network, descent.halves.fit(descent.step)
    network.train()
    fitted = SearchBatch(method.fitted(network, fit), fit.y)
    pairs = architecture_gradients(
        network,
        list(method.outers(network, descent.halves.held(descent.step)).values()),
        inner=fit_loss(fitted),
        step=InnerStep(descent.settings.weight_rate),
    )
    combined, _ = method.combine([g for _, g in pairs], [float(v) for v, _ in pairs])
    return combined.flatten()


def by_attack(rows: list[Row]) -> dict[str, str]:
    """Return mean and standard deviation over steps and seeds by attack, as a table tells them."""
    found = {name: [row.cosine for row in rows if row.attack == name] for name in ATTACKS}
    told = {name: mean(values) for name, values in found.items()}
    return told | {"arnas": "1"}


experiment = Experiment(
    __doc__,
    Path(__file__).with_name("cosines.csv"),
    Row,
    keys,
    measure,
    smoke={"seeds": [0], "limit": 32},
    order=lambda row: (row.seed, row.step, list(ATTACKS).index(row.attack)),
)

if __name__ == "__main__":
    experiment.main()

"""What is to be verified, apart from the cell: recipe, images, attacks."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from .._checks import check_choice, check_integer
from .._files import data_dirs
from ..attacks import AbstractAttack
from ..corruptions import CORRUPTIONS
from ..images import ImageSet, load_images
from ..training import RECIPES, Recipe
from ..training.kernels import KERNELS, PLAIN
from ..typing import AnyPath
from .metrics import parse_metrics

_PUBLISHED = {"cifar10": "CIFAR-10-C", "cifar100": "CIFAR-100-C"}
"""Folders of published corruptions by images."""


@dataclass(frozen=True)
class Plan:
    """How cells are trained and attacked.

    Args:
        recipe: How they are trained, at which fidelity.
        images: A name of ``IMAGES`` or a folder.
        metrics: Attacks by their names in records; ``clean`` without one.
        n_test: Test images at most; None is all.
        image_size: Height and width to which images are brought; None leaves them.
        seed: Of the training, and of the choice of images where not all are taken.
        device: ``auto``, ``cpu``, ``cuda``, ...
        data_dir: Where official files of images are.
        captured: Whether steps run as CUDA graphs, on a GPU.
        kernels: A name of ``training.kernels.KERNELS``.
        time_limit: Seconds that each training may take; None is any number.
    """

    recipe: Recipe
    images: str
    metrics: dict[str, AbstractAttack | None]
    n_test: int | None
    image_size: int | None
    seed: int
    device: str
    data_dir: AnyPath | None
    captured: bool = True
    kernels: str = PLAIN
    time_limit: float | None = None

    @cached_property
    def train_images(self) -> ImageSet:
        """The images that are trained on."""
        return self._load("train", self.recipe.n_images)

    @cached_property
    def test_images(self) -> ImageSet:
        """The images that accuracies are measured on."""
        return self._load("test", self.n_test)

    @property
    def name(self) -> str:
        """What the images are called in records."""
        return self.train_images.name

    @property
    def published_corruptions(self) -> Path | None:
        """The folder of the published corruptions of these images, where the user has all of it.

        They are of 32 x 32 pixels, so that images of another size are corrupted here.
        """
        name = _PUBLISHED.get(self.images)
        if name is None or self.image_size is not None:
            return None
        files = [f"{part}.npy" for part in (*CORRUPTIONS, "labels")]
        places = [place / name for place in data_dirs(self.data_dir)]
        return next((p for p in places if all((p / file).is_file() for file in files)), None)

    def _load(self, split: str, limit: int | None) -> ImageSet:
        # One choice of images for all cells and seeds, so that they compare.
        return load_images(
            self.images,
            split=split,
            image_size=self.image_size,
            limit=limit,
            seed=0,
            data_dir=self.data_dir,
        )

    def matches(self, record: dict[str, Any], index: int) -> bool:
        """Return whether a record is what verifying a cell would measure, or has more."""
        train, fidelity = record["train"], self.recipe.fidelity
        fidelity["n_images"] = len(self.train_images)
        # What is computed with depends on the device; a CPU knows fp32 only.
        if record["device"].startswith("cpu"):
            fidelity["precision"] = "fp32"
        fidelity["image_size"] = self.train_images.image_size
        return (
            (record["index"], record["images"], record["seed"]) == (index, self.name, self.seed)
            and record["recipe"] == self.recipe.name
            and not record.get("pruned")
            and all(train.get(key) == value for key, value in fidelity.items())
            and record["n_test"] == len(self.test_images)
            and set(self.metrics) <= set(record["accuracy"])
        )


def make_plan(
    recipe: str | Recipe = "robbench201",
    images: AnyPath = "cifar10",
    *,
    attacks: Sequence[str] | None = None,
    device: str = "auto",
    seed: int = 0,
    epochs: int | None = None,
    channels: int | None = None,
    cells: int | None = None,
    n_images: int | None = None,
    n_test: int | None = None,
    image_size: int | None = None,
    precision: str | None = None,
    data_dir: AnyPath | None = None,
    captured: bool = True,
    kernels: str = PLAIN,
    time_limit: float | None = None,
) -> Plan:
    """Return a plan from what a user says.

    Args:
        recipe: A name of ``RECIPES`` or a recipe.
        images: A name of ``IMAGES`` or a folder with one folder of images per class.
        attacks: Names such as ``pgd-8``; None is what the recipe says.
        device: ``auto``, ``cpu``, ``cuda``, ...
        seed: Of the training.
        epochs: Fidelity; None is what the recipe says, as for the next three.
        channels: C of the network.
        cells: N of the network.
        n_images: Images trained on at most.
        n_test: Test images at most; None is all.
        image_size: Height and width to which images are brought; None leaves them.
        precision: ``fp32`` or ``bf16``, which is for GPUs; None is what the recipe says.
        data_dir: Where official files of images are.
        captured: Whether steps run as CUDA graphs, on a GPU.
        kernels: A name of ``training.kernels.KERNELS``.
        time_limit: Seconds that each training may take; None is any number.

    Raises:
        InvalidInputError: If an argument is not as expected.
    """
    if not isinstance(recipe, Recipe):
        recipe = RECIPES[check_choice("recipe", recipe, RECIPES)]
    if n_test is not None:
        check_integer("n_test", n_test, minimum=1)
    check_choice("kernels", kernels, KERNELS)
    return Plan(
        recipe.with_(
            epochs=epochs, channels=channels, cells=cells, images=n_images, precision=precision
        ),
        str(Path(images).expanduser()) if not isinstance(images, str) else images,
        parse_metrics(recipe.metrics if attacks is None else attacks),
        n_test,
        image_size,
        check_integer("seed", seed, minimum=0),
        device,
        data_dir,
        captured,
        kernels,
        time_limit,
    )

"""What is to be verified, apart from the cell: recipe, images, attacks."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from .._checks import brief, check_choice, check_integer
from .._places import data_dirs, expand
from ..attacks import PGD, AbstractAttack
from ..errors import InvalidInputError
from ..images import ImageSet, load_images
from ..images.corruptions import CORRUPTIONS, SEVERITIES, corrupt, find_frost
from ..measuring.corrupted import name_source
from ..networks import NORMALISATIONS, find_device, tell_network
from ..spaces import AnyArchitecture, parse_any
from ..tables.attacked import attack_of, tell_attack
from ..training import RECIPES, Recipe
from ..training.kernels import KERNELS, PLAIN
from ..training.starting import start_network
from ..typing import AnyPath
from .evaluation import CORRUPTED, parse_metrics

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

    @property
    def frost(self) -> Path | None:
        """The folder of the photographs that frost is made of, where the user has all of them."""
        return find_frost(self.data_dir)

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

    def check(self, architectures: Iterable[AnyArchitecture] = ()) -> None:
        """Check all that can be known before hours of training.

        Args:
            architectures: What is to be trained.

        Raises:
            InvalidInputError: If the device is not here, the images are not such that a network
                trained on some can be tested on the others, and attacked, or recipe and images are
                not for one of the architectures.
            MissingMeasurementError: If official files of images are not there.
        """
        find_device(self.device)
        train, test = self.train_images, self.test_images
        if train.classes != test.classes:
            msg = f"images: expected the classes {brief(train.classes)} for testing too"
            raise InvalidInputError(f"{msg}, got {brief(test.classes)}")
        if len(train.classes) < 2:
            msg = f"images: expected at least 2 classes, got {', '.join(train.classes)} alone"
            raise InvalidInputError(msg)
        if train.x.shape[2:] != test.x.shape[2:]:
            msg = f"images: expected {_size(train)} pixels for testing as for training"
            raise InvalidInputError(f"{msg}, got {_size(test)} (image_size makes them equal)")
        for attack in self.metrics.values():
            if attack is not None:
                attack.check_classes(len(train.classes))
        if CORRUPTED in self.metrics:
            # Frost, for it alone reads files; too small an image is refused by any of them.
            corrupt(test.x[:1], "frost", SEVERITIES[0], frost=self.frost)
        for architecture in architectures:  # recipe and images may not be for all of them
            start_network(architecture, train, self.recipe, self.seed)

    def describe(self) -> str:
        """Return what will be done, on one line."""
        train, test = self.train_images, self.test_images
        return (
            f"{find_device(self.device)}; images {self.name}: {len(train)} to train on, "
            f"{len(test)} to test on, {len(train.classes)} classes, {_size(train)} pixels; recipe "
            f"{self.recipe.name}, epochs {self.recipe.epochs}; measured: {', '.join(self._told)}"
        )

    @property
    def _told(self) -> Iterator[str]:
        """The metrics, those of PGD with steps and their size, which names do not tell."""
        for metric, attack in self.metrics.items():
            is_pgd = isinstance(attack, PGD)
            yield f"{metric} as {tell_attack(self.attacks[metric])}" if is_pgd else metric

    @property
    def training_identity(self) -> dict[str, Any]:
        """All that the weights depend on besides architecture, seed and precision, as JSON."""
        settings = {**self.recipe.settings, "n_images": len(self.train_images)}
        del settings["precision"]  # depends on the device too
        train = self.train_images
        images = {
            "sha256": train.sha256,
            "classes": len(train.classes),
            # By published statistics, or by the images' own.
            "normalisation": train.name if train.name in NORMALISATIONS else None,
        }
        # As JSON gives it back.
        found: dict[str, Any] = json.loads(json.dumps({"recipe": settings, "train": images}))
        return found

    @property
    def identity(self) -> dict[str, Any]:
        """All that accuracies depend on besides architecture, seed and precision, as JSON."""
        return {**self.training_identity, "test": {"sha256": self.test_images.sha256}}

    @property
    def attacks(self) -> dict[str, dict[str, Any]]:
        """The attack of each metric that has one, with every option, as JSON."""
        told = {name: attack.describe() for name, attack in self.metrics.items() if attack}
        found: dict[str, dict[str, Any]] = json.loads(json.dumps(told))
        return found

    @property
    def digest(self) -> str:
        """A short text that is another for another training of an architecture."""
        told = {**self.training_identity, "precision": self.recipe.precision}
        # 48 bits keep file names apart; what a file holds is compared with the plan as well.
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]

    def matches(self, record: Mapping[str, Any], index: int, *, stopped: int | None = None) -> bool:
        """Return whether a record is what verifying a cell would measure, or has more.

        Args:
            record: Of any cell.
            index: The cell's.
            stopped: After so many epochs the cell's training was cut short; a record of such a one
                will do. None is a training to the end.
        """
        return (
            (record["index"], record["seed"]) == (index, self.seed)
            and is_built_alike(record)
            and record.get("identity") == self.identity
            and record["train"]["precision"] in self._precisions
            and (CORRUPTED not in self.metrics or self._corrupted_alike(record))
            and (not record.get("pruned") or record["train"].get("epochs_done") == stopped)
            and set(self.metrics) <= set(record["accuracy"])
            and all(attack_of(record, metric) == said for metric, said in self.attacks.items())
        )

    def _corrupted_alike(self, record: Mapping[str, Any]) -> bool:
        source = name_source(published=self.published_corruptions, frost=self.frost)
        return bool(record.get(CORRUPTED, {}).get("source") == source)

    @property
    def _precisions(self) -> set[str]:
        """What may be computed with: what is asked for, or what a CPU makes of it."""
        asked = self.recipe.precision
        return {asked, "fp32"} if find_device(self.device).type != "cuda" else {asked}


def is_built_alike(record: Mapping[str, Any]) -> bool:
    """Return whether a record is of the network as it is built now; see ``tell_network``."""
    said = {"network": record["network"]} if "network" in record else {}
    return said == tell_network(parse_any(record["architecture"]))


def _size(images: ImageSet) -> str:
    return " x ".join(map(str, images.x.shape[2:]))


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
        attacks: Names such as ``pgd-8``, attacked as in the recipe's ``evaluation``, or of an
            evaluation, such as ``jung2023``; None is what the recipe says.
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
        # A path is a folder, also one that is named like a set.
        images if isinstance(images, str) else str(expand(images).absolute()),
        parse_metrics(recipe.metrics if attacks is None else attacks, recipe.evaluation),
        n_test,
        image_size,
        check_integer("seed", seed, minimum=0),
        device,
        data_dir,
        captured,
        kernels,
        time_limit,
    )

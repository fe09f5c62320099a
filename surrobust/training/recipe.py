"""What a recipe says: everything by which a network is trained."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from .._checks import brief, check_choice, check_integer
from ..errors import InvalidInputError
from ..spaces import AnyArchitecture, Genotype
from .schedule import OneCycle, Schedule

PRECISIONS = ("fp32", "bf16")
"""``bf16`` is autocast on CUDA; the weights are float32 in both, and so is everything on a CPU.

``fp32`` is what PyTorch makes of it: by default it lets convolutions use TF32 on GPUs that have it.
"""

_NUMBERS = {"clip": math.inf, "cutout": 1, "auxiliary": math.inf, "drop_path": 0.99}
"""The largest value of numbers that may be None."""


@dataclass(frozen=True, slots=True)
class InnerAttack:
    """The attack inside training; see ``training.inner``.

    Args:
        steps: Gradient steps.
        epsilon: Linf radius on the [0, 1] pixel scale.
        step_size: Length of a step on the same scale.
        start: ``ball``: uniform from the ball; ``near``: Gaussian noise of .001; ``image``.
        modes: ``eval``: batch norm keeps its running statistics while attacking; ``train``.
    """

    steps: int
    epsilon: float = 8 / 255
    step_size: float = 2 / 255
    start: str = "ball"
    modes: str = "eval"

    def __post_init__(self) -> None:
        check_integer("steps", self.steps, minimum=1)
        check_choice("start", self.start, ("ball", "near", "image"))
        check_choice("modes", self.modes, ("eval", "train"))


@dataclass(frozen=True, slots=True)
class Recipe:
    """How networks are trained: a value that says everything.

    The optimizer is SGD with a momentum that the schedule sets, without averaging of weights; the
    network is the one after the last epoch.

    Args:
        name: Its name in ``RECIPES``.
        loss: Name in ``training.losses.LOSSES``.
        attack: The attack inside training; None where the loss needs none.
        epochs: Passes over the images.
        channels: C of the network.
        cells: N of the network, cells per stage; of DARTS-type networks, all cells.
        n_images: Images trained on, drawn with all classes about equally often; None is all.
        batch_size: Images a step; the last step of an epoch has what is left.
        schedule: Learning rate and momentum, step by step.
        weight_decay: Of every parameter.
        flip: Whether images are mirrored at random.
        crop: Whether they are shifted at random by up to an eighth of their side, 4 pixels of 32
            and 2 of 16, and filled with black.
        precision: One of :data:`PRECISIONS`.
        beta: Weight of the robust part of the loss ``trades``.
        guarded: Whether catastrophic overfitting is looked for after each epoch; see
            ``training.guard``.
        metrics: What is measured in the end where nothing is said.
        clip: Largest norm of the gradient of all parameters together; None is any.
        cutout: Side of a black square somewhere in each image, as a share of the image's: .5 is 16
            of 32 pixels; None is no square.
        auxiliary: Weight of the loss of a second classifier two thirds into the network, on the
            images that are not attacked. DARTS-type networks only; None is no such classifier.
        drop_path: Share of the ops whose output is dropped, image by image, at the end; it grows
            from 0 with the epochs. DARTS-type networks only; None is 0.
        nesterov: Whether the momentum is Nesterov's.
        evaluation: A name of ``measuring.PRESETS``: whose attacks the names of metrics mean.
    """

    name: str
    loss: str
    attack: InnerAttack | None
    epochs: int
    channels: int = 16
    cells: int = 5
    n_images: int | None = None
    batch_size: int = 256
    schedule: Schedule = field(default_factory=OneCycle)
    weight_decay: float = 5e-4
    flip: bool = True
    crop: bool = True
    precision: str = "fp32"
    beta: float | None = None
    guarded: bool = False
    metrics: tuple[str, ...] = ("fgsm-8", "pgd-8")
    clip: float | None = None
    cutout: float | None = None
    auxiliary: float | None = None
    drop_path: float | None = None
    nesterov: bool = False
    evaluation: str = "robbench"

    def __post_init__(self) -> None:
        for name in ("epochs", "channels", "cells", "batch_size"):
            check_integer(name, getattr(self, name), minimum=1)
        if self.n_images is not None:
            check_integer("n_images", self.n_images, minimum=2)
        check_choice("precision", self.precision, PRECISIONS)
        for name in ("weight_decay", "beta", *_NUMBERS):
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                msg = f"{name}: expected a finite number, got {brief(value)}"
                raise InvalidInputError(msg)
        for name, most in _NUMBERS.items():
            value = getattr(self, name)
            if value is not None and not 0 <= value <= most:
                msg = f"{name}: expected None or a number from 0 to {most}, got {brief(value)}"
                raise InvalidInputError(msg)

    def with_(
        self,
        *,
        epochs: int | None = None,
        channels: int | None = None,
        cells: int | None = None,
        images: int | None = None,
        precision: str | None = None,
    ) -> "Recipe":
        """Return the recipe at another fidelity; what is None stays.

        Args:
            epochs: Passes over the images; the schedule spans as many.
            channels: C of the network.
            cells: N of the network.
            images: How many images are trained on.
            precision: One of :data:`PRECISIONS`.

        Raises:
            InvalidInputError: If a number is below 1 (images: 2), or the precision is not known.
        """
        given = {"epochs": epochs, "channels": channels, "cells": cells, "n_images": images}
        given_too: dict[str, Any] = {**given, "precision": precision}
        changes = {name: value for name, value in given_too.items() if value is not None}
        return replace(self, **changes)

    @property
    def fidelity(self) -> dict[str, Any]:
        """What :meth:`with_` changes, by the names that records use."""
        names: Sequence[str] = ("epochs", "channels", "cells", "n_images", "precision")
        return {name: getattr(self, name) for name in names}

    @property
    def settings(self) -> dict[str, Any]:
        """All that weights depend on, as dictionaries and lists; what is measured is no part of it.

        What earlier versions did not know is left out where it is as they had it, so that what
        they recorded and half trained stays the same.
        """
        document = self.to_document()
        del document["metrics"], document["evaluation"]
        if not document["nesterov"]:
            del document["nesterov"]
        if document["schedule"].get("by") == "step":
            del document["schedule"]["by"]
        return document

    def to_document(self) -> dict[str, Any]:
        """Return all that the recipe says as dictionaries and lists."""
        document = asdict(self)
        document["metrics"] = list(self.metrics)
        document["schedule"] = {"kind": self.schedule.kind, **document["schedule"]}
        return document

    def check_fits(self, architecture: AnyArchitecture) -> None:
        """Check that an architecture's network has what the recipe trains.

        Raises:
            InvalidInputError: If a network of NAS-Bench-201 is to have an auxiliary classifier or
                dropped paths.
        """
        parts = {"an auxiliary classifier": self.auxiliary, "dropped paths": self.drop_path}
        asked = [name for name, value in parts.items() if value is not None]
        if asked and not isinstance(architecture, Genotype):
            msg = (
                f"recipe: expected one for cells of NAS-Bench-201 such as robbench201, got "
                f"{self.name}, with {' and '.join(asked)}, for DARTS-type networks of {self.cells} "
                "cells in all"
            )
            raise InvalidInputError(msg)


def complete_recipe(document: Any) -> Any:
    """Return a recipe's document with what was not written while all schedules were one cycle."""
    if not isinstance(document, dict) or not isinstance(document.get("schedule"), dict):
        return document
    schedule = {"kind": OneCycle.kind, **document["schedule"]}
    return {**dict.fromkeys(_NUMBERS), **document, "schedule": schedule}

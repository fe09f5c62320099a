"""What a recipe says: everything by which a network is trained."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from .._checks import check_choice, check_integer
from .schedule import OneCycle

PRECISIONS = ("fp32", "bf16")
"""``bf16`` is autocast on CUDA; the weights are float32 in both, and so is everything on a CPU.

``fp32`` is what PyTorch makes of it: by default it lets convolutions use TF32 on GPUs that have it.
"""


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

    The optimizer is SGD with a momentum that the schedule sets, without Nesterov, without
    averaging of weights; the network is the one after the last epoch.

    Args:
        name: Its name in ``RECIPES``.
        loss: Name in ``training.losses.LOSSES``.
        attack: The attack inside training; None where the loss needs none.
        epochs: Passes over the images.
        channels: C of the network.
        cells: N of the network, cells per stage.
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
    """

    name: str
    loss: str
    attack: InnerAttack | None
    epochs: int
    channels: int = 16
    cells: int = 5
    n_images: int | None = None
    batch_size: int = 256
    schedule: OneCycle = field(default_factory=OneCycle)
    weight_decay: float = 5e-4
    flip: bool = True
    crop: bool = True
    precision: str = "fp32"
    beta: float | None = None
    guarded: bool = False
    metrics: tuple[str, ...] = ("fgsm-8", "pgd-8")

    def __post_init__(self) -> None:
        for name in ("epochs", "channels", "cells", "batch_size"):
            check_integer(name, getattr(self, name), minimum=1)
        if self.n_images is not None:
            check_integer("n_images", self.n_images, minimum=2)
        check_choice("precision", self.precision, PRECISIONS)

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

    def to_document(self) -> dict[str, Any]:
        """Return all that the recipe says as dictionaries and lists."""
        document = asdict(self)
        document["metrics"] = list(self.metrics)
        return document

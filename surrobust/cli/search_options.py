"""The options of ``surrobust search`` that training and gradient searches need; their progress."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import InvalidInputError
from .output import message, print_json

if TYPE_CHECKING:
    from ..objectives import TrainOptions
    from ..sessions import GradientOptions


F = TypeVar("F", bound=Callable[..., Any])

METHOD = ("robustness", "epsilon", "relaxation")
"""Options of ``dsrna`` itself."""

NAMES = ("images", "preset", "order", "device", *METHOD)
STRATEGIES = ("darts", "dsrna", "arnas")


def gradient_options(command: F) -> F:
    """Add ``--images``, ``--preset``, ``--order``, ``--device`` and those of ``dsrna``."""
    options = (
        click.option(
            "--images",
            metavar="NAME|DIR",
            help="Images for --objective train and for dsrna, arnas and darts: a named set, or a "
            "folder per class; by default the target's.",
        ),
        click.option(
            "--preset",
            help="Size of a gradient search: cpu (minutes; the default), gpu, and others of "
            "surrobust.differentiable.PRESETS.",
        ),
        click.option(
            "--order",
            type=click.IntRange(1, 2),
            help="Order of architecture gradients, if not the preset's.",
        ),
        click.option("--device", help="cpu, cuda or auto, for training and gradient searches."),
        click.option(
            "--robustness",
            type=click.Choice(("certified", "jacobian", "combined")),
            help="dsrna's R: the certified bound of the margin, that by the Jacobian, or their sum "
            "(the default).",
        ),
        click.option(
            "--epsilon",
            type=float,
            help="Radius that dsrna's R is of, on the [0, 1] pixel scale; otherwise 1/255.",
        ),
        click.option(
            "--relaxation",
            type=click.Choice(("interval", "linear")),
            help="Ranges behind dsrna's certified bound: interval (the default), or linear, far "
            "tighter and some eight times as long.",
        ),
    )
    # click lists what is applied last first.
    for option in reversed(options):
        command = option(command)
    return command


def take_gradient(options: dict[str, Any], strategy: str | None) -> "GradientOptions | None":
    """Take the options of gradient searches out of a command's; None if none was given.

    Args:
        options: Of the command; they are removed from it.
        strategy: The strategy, None if it is that of the search to be resumed.

    Raises:
        InvalidInputError: If another strategy is given some.
    """
    given = {name: options.pop(name) for name in NAMES}
    given = {name: value for name, value in given.items() if value is not None}
    if not given and strategy not in STRATEGIES:
        return None
    if strategy is not None and strategy not in STRATEGIES:
        name, expected = next(iter(given)), ", ".join(STRATEGIES)
        msg = f"--{name}: expected only with strategy {expected}, got strategy {strategy}"
        raise InvalidInputError(msg)
    if not given and options["resume"]:
        return None
    method = {name: given.pop(name) for name in METHOD if name in given}
    if method and strategy not in ("dsrna", None):
        msg = f"--{next(iter(method))}: expected only with strategy dsrna, got strategy {strategy}"
        raise InvalidInputError(msg)
    from ..sessions import GradientOptions

    order = {"order": given.pop("order")} if "order" in given else {}
    data_dir: Path | None = options["data_dir"]
    return GradientOptions(
        **given, changes=order, method=method, data_dir=data_dir, progress=Tenths()
    )


class Tenths:
    """Tells of a gradient search whenever another tenth of it is done."""

    def __init__(self) -> None:
        self._told = 0

    def __call__(self, step: int, total: int, notes: Mapping[str, float]) -> None:
        """Take note of a step."""
        if 10 * step // total > self._told:
            self._told = 10 * step // total
            values = ", ".join(f"{name} {value:.4g}" for name, value in notes.items())
            message(f"gradient step {step} of {total}: {values}")


def search_own_cells(
    gradient: "GradientOptions", options: Mapping[str, Any], *, as_json: bool
) -> None:
    """Run a gradient search over a strategy's own cells, which no table has; print the genotype.

    Args:
        gradient: With a preset whose space is ``darts``.
        options: Of the command.
        as_json: Whether to print one JSON document.

    Raises:
        InvalidInputError: If there is no strategy or no images.
    """
    from ..sessions.gradient import FOLDER

    if options["strategy"] is None:
        expected = f"--strategy: expected one of {', '.join(STRATEGIES)}"
        msg = f"{expected} with preset {gradient.preset}, got none"
        raise InvalidInputError(msg)
    if gradient.images is None:
        msg = f"--images: expected a name or folder with preset {gradient.preset}, got none"
        raise InvalidInputError(msg)
    out = None if options["out"] is None else Path(options["out"]) / FOLDER
    seed = options["seed"] or 0
    outcome = gradient.search(options["strategy"], gradient.images, seed=seed, out=out)
    if as_json:
        shown = {k: v for k, v in outcome.document.items() if k != "trajectory"}
        print_json(shown)
    else:
        click.echo(str(outcome.genotype))


TRAIN = "train"
SHARED = ("images", "device")
"""Options that gradient searches have too."""

_NUMBERS = {
    "epochs": (1, "Fidelity of --objective train; otherwise the recipe's."),
    "channels": (1, "C of the networks; otherwise the recipe's."),
    "cells": (1, "N of the networks; otherwise the recipe's."),
    "n_images": (2, "Images to train on; otherwise all."),
    "n_test": (1, "Images to test on; otherwise all."),
    "image_size": (4, "Side to bring images to."),
    "min_epochs": (1, "Successive halving: after so many epochs the worse are stopped."),
    "reduction": (2, "Successive halving: one of so many goes on; 3."),
}


def training_options(command: F) -> F:
    """Add ``--recipe``, the fidelity and successive halving."""
    for name, (least, told) in reversed(_NUMBERS.items()):
        flag = f"--{name.replace('_', '-')}"
        command = click.option(flag, type=click.IntRange(min=least), help=told)(command)
    told = "How --objective train trains; as the target's benchmark did, else robbench201."
    return click.option("--recipe", metavar="NAME", help=told)(command)


def take_training(options: dict[str, Any]) -> "TrainOptions | None":
    """Take the options of training out of a command's; None if none was given.

    Args:
        options: Of the command; those of training are removed from it.

    Raises:
        InvalidInputError: If another objective is given some.
    """
    given = {name: options.pop(name) for name in ("recipe", *_NUMBERS)}
    given = {name: value for name, value in given.items() if value is not None}
    is_resumed = options["resume"] and options["objective"] is None
    if options["objective"] != TRAIN and not is_resumed:
        if given:
            name = next(iter(given)).replace("_", "-")
            msg = f"--{name}: expected only with --objective train"
            raise InvalidInputError(msg)
        return None
    if options["objective"] == TRAIN:
        given |= {name: options[name] for name in SHARED if options[name] is not None}
        if options["strategy"] not in STRATEGIES:
            # Training has taken them: take_gradient, which comes after, would refuse them.
            options.update(dict.fromkeys(SHARED))
    if not given and options["resume"]:
        return None
    from ..objectives import TrainOptions

    return TrainOptions(**given)

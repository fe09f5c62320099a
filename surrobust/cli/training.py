"""The options of ``surrobust search`` that the objective ``train`` needs."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import InvalidInputError
from .gradient import STRATEGIES

if TYPE_CHECKING:
    from ..objectives import TrainOptions

F = TypeVar("F", bound=Callable[..., Any])

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
            options.update(dict.fromkeys(SHARED))
    if not given and options["resume"]:
        return None
    from ..objectives import TrainOptions

    return TrainOptions(**given)

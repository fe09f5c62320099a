"""How far a training is, as its checkpoint says it.

Random generators have no state to be kept: each epoch's are seeded from the training's seed and the
epoch (``training.streams``).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from .._checkpoints import read_checkpoint
from .._checks import check_same
from .._seals import find_difference
from ..errors import InvalidInputError
from ..images import ImageSet
from ..networks import tell_network
from ..spaces import AnyArchitecture
from .recipe import complete_recipe

_ADVICE = "delete it to train anew"

_MOST_ALARMS = 20
"""Each doubles the steps of the attack: no training has come this far."""


class State(BaseModel):
    """How far a training is; see the attributes of ``Training``."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    epoch: int = Field(ge=0)
    alarms: int = Field(ge=0, le=_MOST_ALARMS)
    losses: list[float]
    seconds: float = Field(ge=0)

    computed: list[Annotated[list[str], Field(min_length=2, max_length=2)]]


def identify(
    architecture: AnyArchitecture, images: ImageSet, settings: Mapping[str, Any], seed: int
) -> dict[str, Any]:
    """Return what says which training it is; the images are named by their content too.

    Args:
        architecture: The cell, or a genotype.
        images: What it is trained on.
        settings: The recipe's.
        seed: The training's.
    """
    return {
        "architecture": architecture.code,
        "recipe": settings,
        "images": {"name": images.name, "sha256": images.sha256},
        "seed": seed,
        **tell_network(architecture),
    }


def read_training(
    path: Path, identity: Mapping[str, Any], *, expected: Mapping[str, Tensor], epochs: int
) -> tuple[dict[str, Tensor], State]:
    """Return the tensors, on the CPU, and how far the training is.

    Args:
        path: Of the checkpoint.
        identity: The part of the document that says which training it is.
        expected: Tensors of the names, shapes and types that there must be.
        epochs: Of the whole training.

    Raises:
        InvalidInputError: If the file is not a checkpoint, is damaged, or is another training's.
    """
    tensors, document = read_checkpoint(path, advice=_ADVICE)
    document["recipe"] = complete_recipe(document.get("recipe"))
    # Which training first: the tensors of another one differ anyway, and would say less.
    wanted = json.loads(json.dumps(identity))  # tuples as lists
    found = {name: document.pop(name, None) for name in wanted}
    check_same(str(path), found, wanted, as_in="this training")
    try:
        if difference := find_difference(tensors, expected):
            raise _DamagedError(difference)
        return tensors, _check_state(document, epochs)
    except _DamagedError as error:
        msg = f"{path}: expected a checkpoint, got {error} ({_ADVICE})"
        raise InvalidInputError(msg) from None


class _DamagedError(Exception):
    """Says what there is in the place of a checkpoint."""


def _check_state(document: dict[str, Any], epochs: int) -> State:
    try:
        state = State.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        msg = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise _DamagedError(msg) from None
    if state.epoch > epochs or len(state.losses) != state.epoch:
        msg = f"{len(state.losses)} losses of {state.epoch} epochs of {epochs}"
        raise _DamagedError(msg)
    if state.epoch and state.computed == []:
        msg = "no device on which it was computed"
        raise _DamagedError(msg)
    return state

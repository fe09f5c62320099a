"""A training's state in one file, replaced atomically after each epoch.

The tensors are safetensors; the numbers are JSON in the file's own metadata, so that both change
in one step; a checksum over both is there too. Random generators have no state to be kept: each
epoch's are seeded from the training's seed and the epoch (``training.streams``).
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from .._checks import brief, check_same
from .._files import parse_json, write_bytes
from .._places import is_file
from .._seals import find_difference, hash_tensor
from ..errors import InvalidInputError
from ..images import ImageSet
from ..networks import tell_network
from ..spaces import AnyArchitecture
from .recipe import complete_recipe

_STATE, _CHECKSUM = "state", "checksum"

_MOST_ALARMS = 20
"""Each doubles the steps of the attack: no training has come this far."""


class State(BaseModel):
    """How far a training is; see the attributes of ``Training``."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    epoch: int = Field(ge=0)
    alarms: int = Field(ge=0, le=_MOST_ALARMS)
    losses: list[float]
    seconds: float = Field(ge=0)

    computed: list[Annotated[list[str], Field(min_length=2, max_length=2)]] | None = None
    """None where earlier versions did not say."""


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


def write_checkpoint(path: Path, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
    """Write a checkpoint; what was there before stays until the new one is complete.

    Args:
        path: Where.
        tensors: By name, on any device.
        state: What JSON can say.

    Raises:
        OSError: If it cannot be written, as on a full disk.
    """
    from safetensors.torch import save

    arrays = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    told = json.dumps(state)
    try:
        write_bytes(path, save(arrays, metadata={_STATE: told, _CHECKSUM: _checksum(arrays, told)}))
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror}, checkpoint", str(path)) from error


def read_checkpoint(
    path: Path, identity: Mapping[str, Any], *, expected: Mapping[str, Tensor], epochs: int
) -> tuple[dict[str, Tensor], State]:
    """Return the tensors, on the CPU, and how far the training is.

    Args:
        path: Where.
        identity: The part of the state that says which training it is.
        expected: Tensors of the names, shapes and types that there must be.
        epochs: Of the whole training.

    Raises:
        InvalidInputError: If the file is not a checkpoint, is damaged, or is another training's.
    """
    try:
        metadata, tensors = _read(path)
        state = parse_json(metadata[_STATE], name=_STATE)
        if not isinstance(state, dict):
            raise _DamagedError(brief(state))
    except (_DamagedError, InvalidInputError) as error:
        raise _refusal(path, error) from None
    state["recipe"] = complete_recipe(state.get("recipe"))
    if isinstance(state["recipe"], dict):
        state["recipe"].pop("metrics", None)  # which earlier versions wrote
    # Which training first: the tensors of another one differ anyway, and would say less.
    wanted = json.loads(json.dumps(identity))  # tuples as lists
    found = {name: state.pop(name, None) for name in wanted}
    check_same(str(path), found, wanted, as_in="this training")
    try:
        if difference := find_difference(tensors, expected):
            raise _DamagedError(difference)
        return tensors, _check_state(state, epochs)
    except _DamagedError as error:
        raise _refusal(path, error) from None


class _DamagedError(Exception):
    """Says what there is in the place of a checkpoint."""


def _refusal(path: Path, got: object) -> InvalidInputError:
    return InvalidInputError(f"{path}: expected a checkpoint, got {got} (delete it to train anew)")


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Return metadata and tensors of a file if they are those that were written."""
    from safetensors import SafetensorError, safe_open

    if not is_file(path):  # a named pipe would be waited for
        msg = "no file"
        raise _DamagedError(msg)
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, LookupError, TypeError, RuntimeError) as error:
        raise _DamagedError(brief(str(error))) from None
    if set(metadata) - {_CHECKSUM} != {_STATE}:
        msg = f"a file with {brief(sorted(metadata))}"
        raise _DamagedError(msg)
    if _CHECKSUM in metadata:
        # Whatever was written is taken, also weights that are not finite: their training fails
        # again, and not those beside it.
        if metadata[_CHECKSUM] != _checksum(tensors, metadata[_STATE]):
            msg = "one that was changed or damaged, by its checksum"
            raise _DamagedError(msg)
    # Of an earlier version, without a checksum: what no training can have left is refused.
    elif not all(torch.isfinite(tensor).all() for tensor in tensors.values()):
        msg = "numbers that are not finite"
        raise _DamagedError(msg)
    return metadata, tensors


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


def _checksum(tensors: Mapping[str, Tensor], state: str) -> str:
    found = hashlib.sha256(state.encode())
    for name in sorted(tensors):
        found.update(name.encode())
        hash_tensor(found, tensors[name])
    return found.hexdigest()

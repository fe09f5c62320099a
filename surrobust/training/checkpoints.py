"""A training's state in one file, replaced atomically after each epoch.

The tensors are safetensors; the numbers are JSON in the file's own metadata, so that both change
in one step. Random generators have no state to be kept: each epoch's are seeded from the
training's seed and the epoch (``training.streams``).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from .._checks import brief
from .._files import parse_json, write_bytes
from ..errors import InvalidInputError
from ..images import ImageSet
from ..spaces import AnyArchitecture
from .recipe import complete_document

_STATE = "state"


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
    try:
        write_bytes(path, save(arrays, metadata={_STATE: json.dumps(state)}))
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror}, checkpoint", str(path)) from error


def read_checkpoint(
    path: Path, identity: Mapping[str, Any]
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors, on the CPU, and the state.

    Args:
        path: Where.
        identity: The part of the state that says which training it is.

    Raises:
        InvalidInputError: If the file is not a checkpoint, is damaged, or is another training's.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            state = parse_json((file.metadata() or {}).get(_STATE, ""), name=str(path))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        msg = f"{path}: expected a checkpoint, got {brief(str(error))} (delete it to train anew)"
        raise InvalidInputError(msg) from None
    state["recipe"] = complete_document(state.get("recipe"))
    if isinstance(state["recipe"], dict):
        state["recipe"].pop("metrics", None)  # which earlier versions wrote
    expected = json.loads(json.dumps(identity))  # tuples as lists
    differing = [name for name, value in expected.items() if state.get(name) != value]
    if differing:
        msg = f"{path}: expected the checkpoint of this training, got other {', '.join(differing)}"
        raise InvalidInputError(msg)
    return tensors, state

"""Checkpoints: what a training or a search goes on from, in one file that changes in one step.

Tensors and a JSON object, with a checksum over both; what was changed or damaged since is told.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._checks import brief
from ._files import parse_json, read_bytes, write_bytes
from ._parts import pack, unpack
from ._places import is_file
from ._seals import hash_tensor
from ._tensors import pack_tensors, unpack_tensors
from .errors import InvalidInputError, InvalidModelError

if TYPE_CHECKING:
    from torch import Tensor

_TENSORS = "tensors."


@dataclass(frozen=True)
class _Told:
    """What a checkpoint says besides its tensors.

    Args:
        document: JSON.
        checksum: Of the document and the tensors.
    """

    document: str
    checksum: str


def write_checkpoint(
    path: Path, tensors: Mapping[str, "Tensor"], document: Mapping[str, Any]
) -> None:
    """Write a checkpoint; what was there before stays until the new one is complete.

    Args:
        path: Where.
        tensors: By name, on any device.
        document: What JSON can say.

    Raises:
        OSError: If it cannot be written, as on a full disk.
    """
    text = json.dumps(document)
    told = pack(_Told(text, _checksum(tensors, text)))
    arrays = {f"{_TENSORS}{name}": t.detach().cpu().numpy() for name, t in tensors.items()}
    try:
        write_bytes(path, pack_tensors({**told, **arrays}))
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror}, checkpoint", str(path)) from error


def read_checkpoint(path: Path, *, advice: str) -> tuple[dict[str, "Tensor"], dict[str, Any]]:
    """Return the tensors, on the CPU, and the document.

    Args:
        path: Where.
        advice: Ends the message: what to do about a file that is refused.

    Raises:
        InvalidInputError: If the file is not a checkpoint, or is damaged.
    """
    try:
        return _read(path)
    except (InvalidModelError, InvalidInputError) as error:
        msg = f"{path}: expected a checkpoint, got {error} ({advice})"
        raise InvalidInputError(msg) from None


def _read(path: Path) -> tuple[dict[str, "Tensor"], dict[str, Any]]:
    import torch

    if not is_file(path):  # a named pipe would be waited for
        msg = "no file"
        raise InvalidInputError(msg)
    arrays = unpack_tensors(read_bytes(path), name="another file")
    told = unpack(_Told, {k: a for k, a in arrays.items() if not k.startswith(_TENSORS)})
    tensors = {
        name.removeprefix(_TENSORS): torch.from_numpy(array)
        for name, array in arrays.items()
        if name.startswith(_TENSORS)
    }
    # Whatever was written is taken, also weights that are not finite: their training fails again,
    # and not those beside it.
    if told.checksum != _checksum(tensors, told.document):
        msg = "one that was changed or damaged, by its checksum"
        raise InvalidInputError(msg)
    document = parse_json(told.document, name="document")
    if not isinstance(document, dict):
        raise InvalidInputError(brief(document))
    return tensors, document


def _checksum(tensors: Mapping[str, "Tensor"], document: str) -> str:
    found = hashlib.sha256(document.encode())
    for name in sorted(tensors):
        found.update(name.encode())
        hash_tensor(found, tensors[name])
    return found.hexdigest()

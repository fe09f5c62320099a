"""A search on disk: tensors as safetensors, the rest as JSON, whole or not at all."""

import hashlib
from pathlib import Path
from typing import Any

from torch import Tensor

from .._checks import brief
from .._files import read_json, write_bytes, write_json
from ..errors import InvalidInputError

STATE = "state.json"
"""The file that says which tensors belong to it."""


def write_checkpoint(folder: Path, tensors: dict[str, Tensor], document: dict[str, Any]) -> None:
    """Write a state. Until its last file is in place, the state before it is the one that counts.

    Args:
        folder: Of the search.
        tensors: What a step changes.
        document: JSON with the number of steps done as ``step``.
    """
    from safetensors.torch import save

    content = save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
    digest = hashlib.sha256(content).hexdigest()
    name = f"weights-{document['step']}.safetensors"
    write_bytes(folder / name, content)
    write_json(folder / STATE, {**document, "weights": name, "sha256": digest})
    for path in folder.glob("weights-*.safetensors"):
        if path.name != name:
            path.unlink(missing_ok=True)


def read_checkpoint(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Return the tensors and the document of a folder, None if it has none.

    Raises:
        InvalidInputError: If a file is missing, damaged, or not the one that belongs there.
    """
    from safetensors.torch import load

    path = folder / STATE
    if not path.exists():
        return None
    document = read_json(path)
    if not isinstance(document, dict) or not isinstance(document.get("weights"), str):
        msg = f"{path}: expected the state of a gradient search, got {brief(document)}"
        raise InvalidInputError(msg)
    name = Path(document["weights"]).name
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        msg = f"{folder / name}: expected a readable file, got: {error.strerror or error}"
        raise InvalidInputError(msg) from None
    if hashlib.sha256(content).hexdigest() != document.get("sha256"):
        msg = f"{folder / name}: expected the tensors that {STATE} names, got other bytes"
        raise InvalidInputError(msg)
    return load(content), document

"""A search on disk: tensors as safetensors, the rest as JSON, whole or not at all."""

import hashlib
from pathlib import Path
from typing import Any

from torch import Tensor

from .._checks import brief
from .._files import read_bytes, read_json, write_bytes, write_json
from .._places import exists
from .._seals import seal, unseal
from ..errors import InvalidInputError

STATE = "state.json"
"""The file that says which tensors belong to it."""

ADVICE = f"delete {STATE} to search anew"


def write_search_checkpoint(
    folder: Path, tensors: dict[str, Tensor], document: dict[str, Any]
) -> None:
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
    # The tensors under a name of their own first, then the state that names them, the old last: a
    # crash leaves one pair that belongs together, and at most a file that nobody names.
    write_bytes(folder / name, content)
    write_json(folder / STATE, seal({**document, "weights": name, "sha256": digest}))
    for path in folder.glob("weights-*.safetensors"):
        if path.name != name:
            path.unlink(missing_ok=True)


def read_search_checkpoint(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Return the tensors and the document of a folder, None if it has none.

    Raises:
        InvalidInputError: If a file is missing, damaged, or not the one that belongs there.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    path = folder / STATE
    if not exists(path):
        return None
    document = unseal(read_json(path), str(path), advice=ADVICE)
    if not isinstance(document, dict) or not isinstance(document.get("weights"), str):
        msg = f"{path}: expected the state of a gradient search, got {brief(document)}"
        raise InvalidInputError(msg)
    # A name in this folder alone, whatever was written there.
    name = Path(document["weights"]).name
    content = read_bytes(folder / name)
    if hashlib.sha256(content).hexdigest() != document.get("sha256"):
        msg = f"{folder / name}: expected the tensors that {STATE} names, got other bytes"
        raise InvalidInputError(msg)
    try:
        return load(content), document
    except (SafetensorError, ValueError, LookupError, TypeError, RuntimeError) as error:
        msg = f"{folder / name}: expected tensors, got {brief(str(error))} ({ADVICE})"
        raise InvalidInputError(msg) from None

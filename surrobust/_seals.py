"""Seals: a checksum in what is written, so that what was changed or damaged since is told."""

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._checks import brief
from .errors import InvalidInputError

if TYPE_CHECKING:
    from torch import Tensor

SEAL = "checksum"
"""The entry of a JSON object that has the checksum of all others."""

_MARK = "sha256:"
# 64 bits: of 2e19 damages one would pass by chance.
_DIGITS = 16

_ADVICE = f"without {SEAL} it is taken as it is"


def checksum(text: str) -> str:
    """Return the checksum of a text: damage is noticed, an author who computes it anew is not."""
    return f"{_MARK}{hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]}"


def seal(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a JSON object with its checksum as the last entry, in the place of an older one."""
    rest = {name: value for name, value in document.items() if name != SEAL}
    # Sorted, so that who writes the entries in another order has changed nothing.
    return {**rest, SEAL: checksum(json.dumps(rest, sort_keys=True))}


def unseal(document: Any, where: str, *, advice: str = _ADVICE) -> Any:
    """Return what :func:`seal` was given, after :func:`check_seal`; what is no object, as it is."""
    if not isinstance(document, dict):
        return document
    check_seal(document, where, advice=advice)
    return {name: value for name, value in document.items() if name != SEAL}


def check_seal(document: Mapping[str, Any], where: str, *, advice: str = _ADVICE) -> None:
    """Check the checksum of what :func:`seal` returned; earlier versions wrote none.

    Args:
        document: As JSON gave it back.
        where: Begins the message.
        advice: Ends it.

    Raises:
        InvalidInputError: If something was changed, be it the name of the checksum's entry.
    """
    sealed = [
        value
        for name, value in document.items()
        if name == SEAL or (isinstance(value, str) and value.startswith(_MARK))
    ]
    if not sealed:
        return
    try:
        anew = seal(document)
    except RecursionError:
        msg = f"{where}: expected JSON, got one that is nested too deeply"
        raise InvalidInputError(msg) from None
    if anew != document:
        msg = f"{where}: {SEAL}: expected {anew[SEAL]} for what it says, got {brief(sealed[0])}"
        raise InvalidInputError(f"{msg}: it was changed or damaged ({advice})")


def hash_tensor(found: "hashlib._Hash", tensor: "Tensor") -> None:
    """Add a tensor's shape, type and values to a hash."""
    import torch

    # By its bytes, for numpy has no bfloat16; flat, for a single number cannot be viewed so.
    flat = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
    # Shape and type too: the same bytes may be of other tensors.
    found.update(f"{tuple(tensor.shape)} {tensor.dtype}".encode())
    found.update(flat.numpy().data)


def find_difference(found: Mapping[str, "Tensor"], expected: Mapping[str, "Tensor"]) -> str | None:
    """Return how tensors differ from others in names, types or shapes; None if they do not."""
    for name in {**expected, **found}:
        wanted, got = (_describe(tensors.get(name)) for tensors in (expected, found))
        if wanted != got:
            return f"{got} in the place of {wanted} as {brief(name)}"
    return None


def _describe(tensor: "Tensor | None") -> str:
    return "nothing" if tensor is None else f"{tensor.dtype} of shape {tuple(tensor.shape)}"

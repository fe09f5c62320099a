"""Devices by name."""

import torch

from ..errors import InvalidInputError


def find_device(device: str) -> torch.device:
    """Return the device of a name.

    Raises:
        InvalidInputError: If torch does not know it, or it is not here.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError, TypeError) as error:
        told = str(error).splitlines()[0]
        msg = f"device: expected auto or a device that is here, got {device!r} ({told})"
        raise InvalidInputError(msg) from None
    return found

"""Devices by name, and how convolutions are computed there."""

from collections.abc import Iterator
from contextlib import contextmanager

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


@contextmanager
def tuned(device: torch.device) -> Iterator[None]:
    """Let cuDNN time its algorithms for each new shape and take the fastest, on a GPU.

    That pays where the same shapes come thousands of times; which algorithm is taken may differ
    from run to run, and with it the last bits.
    """
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = before or device.type == "cuda"
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before

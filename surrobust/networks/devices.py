"""Devices by name, and how convolutions are computed there."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from .._checks import brief
from ..errors import InvalidInputError

_NOT_HERE = (RuntimeError, AssertionError, TypeError, ValueError, OverflowError, ImportError)
"""What torch raises for devices that it lacks."""


def find_device(device: str | torch.device) -> torch.device:
    """Return the device of a name.

    Raises:
        InvalidInputError: If torch does not know it, it is not here, or it computes nothing.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        # A device that is not here may warn before it raises; one line is said of it, the error's.
        with warnings.catch_warnings(action="ignore"):
            found = torch.device(device)
            torch.zeros(1, device=found).item()  # ``meta`` takes tensors, but has no numbers
    except _NOT_HERE as error:
        # In some messages torch goes on to list every kind of device that it knows.
        told = " ".join(str(error).split())[:80]
        msg = f"device: expected auto or a device that is here, got {brief(device)} ({told})"
        raise InvalidInputError(msg) from None
    return found


def name_device(device: torch.device) -> str:
    """Return what the device is called."""
    if device.type == "cuda":
        return f"cuda: {torch.cuda.get_device_name(device)}"
    return device.type


@contextmanager
def tuned(device: torch.device) -> Iterator[None]:
    """Let cuDNN time its algorithms for each new shape and take the fastest, on a GPU.

    That pays where the same shapes come thousands of times; which algorithm is taken may differ
    from run to run, and with it the last bits.
    """
    before = torch.backends.cudnn.benchmark
    # What the caller has switched on stays on.
    torch.backends.cudnn.benchmark = before or device.type == "cuda"
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before

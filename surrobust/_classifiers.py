"""Classifiers that a caller hands over: in which mode they answer, to what, and with what."""

import functools
import inspect
import types
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from ._checks import brief
from .errors import InvalidInputError, NotFiniteError

F = TypeVar("F", bound=Callable[..., Any])

HALF = (torch.float16, torch.bfloat16)
"""Types in which losses, and the steps of an attack, would be lost in rounding."""

_DEPTH, _LONGEST, _MOST = 8, 1000, 10_000
"""How far from a function its modules are looked for, in lists of how many, and among how many
values in all: a function may name a whole program's data."""


@contextmanager
def differentiating() -> Iterator[None]:
    """Let gradients be taken, whatever the caller's mode: in inference mode they would be zero.

    What was made in inference mode stays without gradients; see :func:`outside_inference`.
    """
    with torch.inference_mode(False), torch.enable_grad():
        yield


def takes_gradients(function: F) -> F:
    """Let a function do so; a generator does it in each of its steps, not between them."""
    return torch.inference_mode(False)(torch.enable_grad()(function))


def outside_inference(tensor: Tensor) -> Tensor:
    """Return a tensor without its graph, copied if it was made in inference mode."""
    found = tensor.detach()
    # Autograd keeps no tensor of inference mode for its way back.
    return found.clone() if found.is_inference() else found


@contextmanager
def evaluating(*networks: Any) -> Iterator[None]:
    """Put networks into evaluation mode, every module of them, and back, each into its own.

    Args:
        networks: Modules, or functions; the modules that a function refers to are found.
    """
    with in_mode(False, *networks):
        yield


@contextmanager
def in_mode(training: bool, *networks: Any) -> Iterator[None]:
    """Put every module of networks into one mode, and back, each into its own.

    Args:
        training: Training or evaluation mode.
        networks: Modules, or functions; the modules that a function refers to are found.
    """
    roots = find_modules(networks)
    modules = list(dict.fromkeys(module for root in roots for module in root.modules()))
    before = [(module, module.training) for module in modules]
    try:
        _set_modes((module, training) for module in modules)
        yield
    finally:
        _set_modes(before)


def _set_modes(modes: Iterable[tuple[nn.Module, bool]]) -> None:
    """Set the mode of each module, parents first.

    By ``train``, which a module may have a version of its own of; one that does not obey is told
    by its attribute.
    """
    for module, training in modes:
        if module.training != training:
            module.train(training)
        if module.training != training:
            module.training = training


def find_modules(value: Any) -> list[nn.Module]:
    """Return the modules that a classifier is made of, the outermost ones.

    A module is its own. Of a function they are those that it refers to: its object, arguments that
    are bound to it, defaults, variables of the functions around it and globals that it names.
    """
    found: dict[int, nn.Module] = {}
    seen: set[int] = set()
    level = [value]
    for _ in range(_DEPTH):
        below: list[Any] = []
        for part in level:
            # By identity: much of it has no hash, and arrays answer == with arrays.
            if id(part) in seen or len(seen) >= _MOST:
                continue
            seen.add(id(part))
            if isinstance(part, nn.Module):
                found[id(part)] = part
            else:
                below += _parts(part)
        level = below
    return list(found.values())


def _parts(value: Any) -> list[Any]:
    """Return what a value that is not a module may have modules in."""
    if isinstance(value, type | types.ModuleType | Tensor | np.ndarray | str | bytes | int | float):
        return []
    if isinstance(value, list | tuple | set | dict):
        held = value.values() if isinstance(value, dict) else value
        return list(held) if len(value) <= _LONGEST else []
    if isinstance(value, functools.partial):
        return [value.func, *value.args, *value.keywords.values()]
    if isinstance(value, types.MethodType):
        return [value.__self__, value.__func__]
    if isinstance(value, types.FunctionType):
        return _referred(value)
    # Static, so that no property and no __getattr__ of a stranger's runs.
    call = inspect.getattr_static(type(value), "__call__", None)
    attributes = list(getattr(value, "__dict__", {}).values())
    return [*attributes, call] if isinstance(call, types.FunctionType) else attributes


def _referred(function: types.FunctionType) -> list[Any]:
    defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    wrapped = [function.__wrapped__] if hasattr(function, "__wrapped__") else []
    try:
        names = inspect.getclosurevars(function)
    except ValueError:  # a variable that has no value yet
        return [*defaults, *wrapped]
    return [*defaults, *wrapped, *names.nonlocals.values(), *names.globals.values()]


def check_images(x: Any, bounds: tuple[float, float] = (0.0, 1.0)) -> None:
    """Check floating-point images.

    Raises:
        InvalidInputError: If shape, type or values are not what was expected.
    """
    if not isinstance(x, Tensor) or x.ndim != 4 or not x.is_floating_point():
        got = f"{tuple(x.shape)} {x.dtype}" if isinstance(x, Tensor) else brief(x)
        msg = f"x: expected a floating-point tensor of shape (n, c, h, w), got {got}"
        raise InvalidInputError(msg)
    check_range(x, "x", bounds)


def check_labels(y: Any, n: int) -> None:
    """Check the classes of n images.

    Raises:
        InvalidInputError: If they are not ``(n,)`` int64 from 0.
    """
    if not isinstance(y, Tensor) or y.dtype != torch.int64 or y.shape != (n,):
        got = f"{tuple(y.shape)} {y.dtype}" if isinstance(y, Tensor) else brief(y)
        msg = f"y: expected an int64 tensor of shape ({n},), got {got}"
        raise InvalidInputError(msg)
    check_classes(y)


def check_range(x: Tensor, name: str, bounds: tuple[float, float] = (0.0, 1.0)) -> None:
    """Check that pixels lie in their range.

    Raises:
        InvalidInputError: If one does not; the message has all of its digits.
    """
    low, high = bounds
    if x.numel() and not bool(((x >= low) & (x <= high)).all()):
        msg = f"{name}: expected values in [{low:g}, {high:g}], got {_extremes(x)}"
        # A quarter of a level of 8 bits: what is farther out was not rounded but scaled otherwise.
        if bool((x >= low - 1e-3).all()) and bool((x <= high + 1e-3).all()):
            msg += " (rounding? clamp them)"
        raise InvalidInputError(msg)


def _extremes(x: Tensor) -> str:
    if bool(x.isnan().any()):
        return f"nan {int(x.isnan().sum())} times"
    return f"{float(x.min()):.9g} to {float(x.max()):.9g}"


def as_tensor(value: Any, name: str) -> Tensor:
    """Return an array as a tensor, whatever its strides and byte order.

    Raises:
        InvalidInputError: If it cannot be one.
    """
    if isinstance(value, Tensor):
        return value
    try:
        array = np.asarray(value)
        # Torch has neither negative strides nor the other byte order.
        native = array.astype(array.dtype.newbyteorder("="), copy=False)
        return torch.as_tensor(np.ascontiguousarray(native))
    except (TypeError, ValueError, RuntimeError):
        msg = f"{name}: expected a tensor or an array of numbers, got {brief(value)}"
        raise InvalidInputError(msg) from None


def check_weights(network: Any) -> None:
    """Check that gradients can be taken through a network.

    Raises:
        InvalidInputError: If it has tensors that were made in inference mode.
    """
    for module in find_modules(network):
        for tensor in (*module.parameters(), *module.buffers()):
            if tensor.is_inference():
                msg = (
                    "network: expected weights made or loaded outside of torch.inference_mode(), "
                    "through which gradients can be taken, got some made inside"
                )
                raise InvalidInputError(msg)


def check_logits(logits: Any, n: int, *, begin: int = 0) -> Tensor:
    """Return the logits of n images if that is what they are.

    Args:
        logits: What a network returned.
        n: How many images it was given.
        begin: The number of the first of them, for the message.

    Raises:
        InvalidInputError: If they are something else.
        NotFiniteError: If one is not a finite number.
    """
    given = isinstance(logits, Tensor) and logits.is_floating_point()
    if not given or logits.ndim != 2 or len(logits) != n or not logits.shape[1]:
        told = isinstance(logits, Tensor)
        got = f"{tuple(logits.shape)} {logits.dtype}" if told else brief(logits)
        msg = f"network: expected floating-point logits of shape ({n}, classes), got {got}"
        raise InvalidInputError(msg)
    finite = logits.isfinite()
    if not bool(finite.all()):
        rows = (~finite).any(1).nonzero().flatten().tolist()
        msg = f"network: expected finite logits, got others for {len(rows)} of {n} images"
        raise NotFiniteError(f"{msg}, the first of them number {begin + rows[0]}")
    return logits


def check_classes(y: Tensor, classes: int | None = None, name: str = "y") -> None:
    """Check that classes are numbers from 0 to ``classes`` - 1.

    Args:
        y: Integers.
        classes: How many a network knows; None where that is not known.
        name: Of the argument, for the message.

    Raises:
        InvalidInputError: If one is not.
    """
    if not len(y):
        return
    low, high = int(y.min()), int(y.max())
    if low < 0 or (classes is not None and high >= classes):
        upto = "on" if classes is None else f"to {classes - 1}, which the network knows"
        msg = f"{name}: expected classes from 0 {upto}, got {low if low < 0 else high}"
        raise InvalidInputError(msg)

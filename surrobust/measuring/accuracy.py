"""The share of images that a network gets right."""

import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from .._checks import brief, check_integer
from .._classifiers import (
    as_tensor,
    check_classes,
    check_logits,
    check_range,
    differentiating,
    evaluating,
    find_modules,
)
from ..attacks import PGD, AbstractAttack
from ..attacks.gradients import CapturedNetwork
from ..attacks.soundness import is_random
from ..errors import InvalidInputError
from ..metrics import wilson_interval
from ..networks import find_device, tuned
from ..typing import AnyPath
from .progress import Progress, describe_measurement

logger = logging.getLogger(__name__)

_PIXEL = 255.0

_BATCH, _GPU_BATCH = 256, 2000
"""Images at a time where nothing is said; a GPU needs many to be busy between two launches."""


@dataclass(frozen=True, eq=False)
class Accuracy:
    """A share of images and its 95 % interval (Wilson, 1927).

    Args:
        value: Share of the images that are classified right.
        n: Number of images.
        lower: Lower end of the interval.
        upper: Upper end of the interval.
        correct: Whether each image is, ``(n,)`` bool; what :func:`compare_paired` takes.
    """

    value: float
    n: int
    lower: float
    upper: float
    correct: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, correct: npt.ArrayLike) -> "Accuracy":
        """Return the accuracy that outcomes ``(n,)`` amount to.

        Raises:
            InvalidInputError: If there are none.
        """
        outcomes = np.asarray(correct, dtype=bool)
        if outcomes.ndim != 1 or not len(outcomes):
            msg = f"correct: expected shape (n,), not empty, got {outcomes.shape}"
            raise InvalidInputError(msg)
        right, n = int(outcomes.sum()), len(outcomes)
        return cls(right / n, n, *wilson_interval(right, n), outcomes)


def measure_accuracy(
    network: Callable[[Tensor], Tensor],
    images: Tensor | npt.NDArray[Any],
    labels: Tensor | npt.NDArray[Any],
    attack: AbstractAttack | None = None,
    *,
    batch_size: int | None = None,
    device: str | torch.device | None = None,
    captured: bool = False,
    allow_random: bool = False,
    checkpoint: AnyPath | None = None,
    report: Callable[[int, int], None] | None = None,
) -> Accuracy:
    """Return the share of images that are classified right, attacked or not.

    What the attack returns is scored by the network anew. Each batch is attacked from the attack's
    own seed, so the outcome of an image depends on the batch size, on nothing before its batch.
    The attack checks the network on the first batch only.

    Args:
        network: Maps images to logits; measured with every module in evaluation mode, those too
            that a function refers to, and left with each in its own.
        images: ``(n, c, h, w)``, uint8 or floating point in [0, 1]; brought to the type of the
            network's tensors where they are all of one.
        labels: Their classes, ``(n,)`` integers from 0.
        attack: None for none.
        batch_size: Images at a time; None is 256, on a GPU equal parts of at most 2000 where its
            memory allows.
        device: Where the images are brought; None is where the network's parameters are, or the
            images are where it has none.
        captured: Whether the gradients of ``pgd`` are replayed as a CUDA graph, on a GPU; for
            networks without control flow that depends on their input. The last batch is then
            filled up with the first images, which are not counted twice.
        allow_random: Whether a network may answer otherwise each time: what is measured is then
            one draw of its answers, attacked by gradients of others, which says little of what
            averaged gradients would find.
        checkpoint: A JSON file that is written after each batch and continued from where it
            exists; None for none.
        report: Called after each batch with the images done and all.

    Raises:
        InvalidInputError: If images, labels or an option are not what was expected, the network
            is random or knows fewer classes than there are labels, or the checkpoint is of another
            measurement.
        NotFiniteError: If an answer of the network is not finite.
        OSError: If the checkpoint cannot be written.
    """
    if batch_size is not None:
        check_integer("batch_size", batch_size, minimum=1)
    x, y = _tensors(images, labels)
    place = _place(network, x, device)
    size = batch_size or _default_size(len(x), place)
    layout = layout_for(network, place)
    batches = _Batches(x, y, place, _type_for(network, x), layout, size)
    measure = partial(
        _measure,
        network,
        attack=attack,
        captured=captured,
        allow_random=allow_random,
        checkpoint=checkpoint,
        report=report,
    )
    with differentiating(), evaluating(network), tuned(place):
        try:
            return measure(batches)
        except torch.OutOfMemoryError:
            if batch_size is not None or batches.size <= _BATCH:
                raise
        logger.warning("measuring: %d images at a time are too many here", batches.size)
        torch.cuda.empty_cache()
        return measure(replace(batches, size=_BATCH))


@dataclass(frozen=True)
class _Batches:
    """Images and classes, some at a time on a device."""

    x: Tensor
    y: Tensor
    place: torch.device
    dtype: torch.dtype
    layout: torch.memory_format
    size: int

    def bring(self, begin: int, *, fill: bool) -> tuple[Tensor, Tensor]:
        """Return the batch that begins with an image; a last one filled up with the first."""
        rows = torch.arange(begin, begin + self.size)
        rows = rows % len(self.x) if fill else rows[rows < len(self.x)]
        moved = self.x[rows].to(self.place)
        # Divided in float32: in half precision images would be rounded twice.
        pixels = moved.float().div_(_PIXEL) if moved.dtype == torch.uint8 else moved
        pixels = pixels.to(self.dtype).contiguous(memory_format=self.layout)
        return pixels, self.y[rows].to(self.place)


def _measure(
    network: Callable[[Tensor], Tensor],
    batches: _Batches,
    *,
    attack: AbstractAttack | None,
    captured: bool,
    allow_random: bool,
    checkpoint: AnyPath | None,
    report: Callable[[int, int], None] | None,
) -> Accuracy:
    n, size = len(batches.x), batches.size
    progress = Progress.start(
        checkpoint, lambda: describe_measurement(network, batches.x, batches.y, attack, size)
    )
    if progress.done % size and progress.done != n:
        progress = Progress(progress.path, progress.measurement, [])
    replays = captured and _pays(attack, batches.place)
    seen, first = network, progress.done
    for begin in range(progress.done, n, size):
        pixels, classes = batches.bring(begin, fill=replays)
        if begin == first:
            _check_answers(network, pixels, batches.y, begin, allow_random=allow_random)
        if replays and seen is network:
            seen = CapturedNetwork(network, pixels, classes)
        if attack is not None:
            pixels = attack(seen, pixels, classes, checks=begin == 0)
        with torch.no_grad():
            logits = check_logits(network(pixels), len(pixels), begin=begin)
        right = logits.argmax(1) == classes
        progress = progress.with_(right[: n - begin].tolist())
        if report is not None:
            report(progress.done, n)
    return Accuracy.of(progress.correct)


@torch.no_grad()
def _check_answers(
    network: Callable[[Tensor], Tensor],
    pixels: Tensor,
    labels: Tensor,
    begin: int,
    *,
    allow_random: bool,
) -> None:
    """Check a network's answers to some images: finite logits, of the classes of all, not random.

    Raises:
        InvalidInputError: If they are not.
    """
    answers = check_logits(network(pixels), len(pixels), begin=begin)
    check_classes(labels, answers.shape[1], name="labels")
    if not allow_random and is_random(answers, network(pixels)):
        msg = (
            "network: expected the same logits for the same images, got others (allow_random=True "
            "measures one draw of them)"
        )
        raise InvalidInputError(msg)


def _pays(attack: AbstractAttack | None, place: torch.device) -> bool:
    """Return whether an attack asks for many gradients by whole batches, as others do not."""
    return place.type == "cuda" and isinstance(attack, PGD)


def _default_size(n: int, place: torch.device) -> int:
    """Return how many images at a time; on a GPU equal parts, so that the last one is no rest."""
    if place.type != "cuda":
        return _BATCH
    return math.ceil(n / math.ceil(n / _GPU_BATCH))


def _tensors(images: Any, labels: Any) -> tuple[Tensor, Tensor]:
    x, y = as_tensor(images, "images"), as_tensor(labels, "labels")
    if x.ndim != 4 or not (x.is_floating_point() or x.dtype == torch.uint8) or not len(x):
        got = f"{x.dtype} {tuple(x.shape)}"
        msg = f"images: expected uint8 or floats of shape (n, c, h, w), not empty, got {got}"
        raise InvalidInputError(msg)
    if y.shape != x.shape[:1] or y.is_floating_point() or y.is_complex() or y.dtype == torch.bool:
        got = f"{y.dtype} {tuple(y.shape)}"
        msg = f"labels: expected integers of shape ({len(x)},), got {got}"
        raise InvalidInputError(msg)
    if x.is_floating_point():
        check_range(x, "images")
    y = y.long()
    check_classes(y, name="labels")
    return x, y


def _place(network: Any, x: Tensor, device: str | torch.device | None) -> torch.device:
    if device is None:
        first = next(_tensors_of(network), None)
        return x.device if first is None else first.device
    try:
        return find_device(device)
    except InvalidInputError:
        msg = f"device: expected a device of torch that is here, got {brief(device)}"
        raise InvalidInputError(msg) from None


def _type_for(network: Any, x: Tensor) -> torch.dtype:
    """Return the type that a network computes with throughout, if it is one, else the images'."""
    types = {tensor.dtype for tensor in _tensors_of(network) if tensor.is_floating_point()}
    if len(types) == 1:
        return types.pop()
    return torch.float32 if x.dtype == torch.uint8 else x.dtype


def layout_for(network: Any, place: torch.device) -> torch.memory_format:
    """Return how images lie in memory: on a GPU with channels last if the network's kernels do.

    Not if they do not: a network that pads in an average pool would be attacked by wrong gradients.
    """
    if place.type != "cuda" or not any(map(_has_channels_last, _tensors_of(network))):
        return torch.contiguous_format
    parts = (part for module in find_modules(network) for part in module.modules())
    if any(isinstance(part, nn.AvgPool2d) and part.padding not in (0, (0, 0)) for part in parts):
        logger.warning(
            "measuring: on a GPU and with channels last PyTorch's gradients of average pools that "
            "pad are wrong (pytorch/pytorch#188344), and attacks by them too weak: expected a "
            "network with contiguous kernels"
        )
    return torch.channels_last


def _has_channels_last(tensor: Tensor) -> bool:
    """Return whether a kernel lies so and not, as those of one pixel do, in both orders."""
    if tensor.ndim != 4 or tensor.is_contiguous():
        return False
    return tensor.is_contiguous(memory_format=torch.channels_last)


def _tensors_of(network: Any) -> Iterator[Tensor]:
    for module in find_modules(network):
        yield from module.parameters()
        yield from module.buffers()

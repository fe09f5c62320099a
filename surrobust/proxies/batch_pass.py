"""The batch, and the passes over it: one forward, at most two backward, for all that is asked.

Batch norm uses the statistics of the batch, as in the code of Abdelfattah, Mehrotra, Dudziak &
Lane, "Zero-Cost Proxies for Lightweight NAS" (ICLR 2021), and of NAS-Bench-Suite-Zero.
"""

from collections.abc import Callable, Collection
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from os import PathLike
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .._checks import brief
from .._classifiers import as_tensor, check_classes, check_range, outside_inference
from ..errors import InvalidInputError
from ..images import load_images
from ..networks import NORMALISATIONS, CellNetwork
from ..networks.blocks import Rectifier
from ..networks.normalisation import Statistics


class Need(Enum):
    """One quantity of the pass; several proxies may read the same."""

    WEIGHT_GRADIENTS = auto()
    """Gradient of the mean cross-entropy by each convolution and the classifier."""

    CHANNEL_SALIENCY = auto()
    """Product of output and gradient, summed over positions, per image and channel."""

    ACTIVATION_KERNEL = auto()
    """In how many ReLUs two images agree, for all pairs of images."""

    INPUT_GRADIENT = auto()
    """Gradient of the sum of an image's logits by its pixels."""


@dataclass
class BatchPass:
    """What one pass over a batch of n images recorded; what nobody needed is empty.

    Args:
        layers: All convolutions and the classifier, first to last.
        gradients: Of the mean cross-entropy by the weight of each layer.
        saliencies: Output times gradient, summed over positions, ``(n, channels)`` per layer.
        kernel: ReLUs in which two images agree, ``(n, n)`` float64.
        input_gradient: Of the sum of logits by the pixels, ``(n, c * h * w)``.
    """

    layers: list[nn.Conv2d | nn.Linear]
    gradients: list[Tensor] = field(default_factory=list)
    saliencies: list[Tensor] = field(default_factory=list)
    kernel: Tensor | None = None
    input_gradient: Tensor | None = None


def run_batch_pass(
    network: CellNetwork, x: Tensor, y: Tensor, needs: Collection[Need]
) -> BatchPass:
    """Run the network over the batch and record what is needed.

    Args:
        network: In training mode.
        x: Images ``(n, c, h, w)`` in [0, 1].
        y: Labels ``(n,)``.
        needs: What to record.
    """
    record = BatchPass(network.layers())
    backward = {Need.WEIGHT_GRADIENTS, Need.CHANNEL_SALIENCY, Need.INPUT_GRADIENT} & set(needs)
    if Need.INPUT_GRADIENT in needs:
        x = x.detach().requires_grad_()
    with ExitStack() as hooks, torch.set_grad_enabled(bool(backward)):
        for module in network.modules():
            if isinstance(module, Rectifier) and Need.ACTIVATION_KERNEL in needs:
                hook = _compare(record, module.readers)
                hooks.callback(module.register_forward_pre_hook(hook).remove)
        if Need.CHANNEL_SALIENCY in needs:
            for layer in record.layers:
                hooks.callback(layer.register_forward_hook(_watch(record)).remove)
        logits = network(x)
    _run_backward(record, logits, x, y, backward)
    return record


def _run_backward(
    record: BatchPass, logits: Tensor, x: Tensor, y: Tensor, needs: set[Need]
) -> None:
    by_input = Need.INPUT_GRADIENT in needs
    if needs - {Need.INPUT_GRADIENT}:
        loss = functional.cross_entropy(logits, y)
        weights = [layer.weight for layer in record.layers]
        gradients = torch.autograd.grad(
            loss, weights, retain_graph=by_input, allow_unused=True, materialize_grads=True
        )
        record.gradients = list(gradients)
    if by_input:
        summed = torch.autograd.grad(logits.sum(), x, allow_unused=True, materialize_grads=True)
        record.input_gradient = summed[0].flatten(1)


def _compare(record: BatchPass, readers: int) -> Callable[[nn.Module, tuple[Tensor]], None]:
    """Return a hook that counts for all pairs of images in how many inputs the signs agree."""

    def hook(module: nn.Module, inputs: tuple[Tensor]) -> None:  # noqa: ARG001
        signs = (inputs[0].detach() > 0).flatten(1).to(torch.float32).mul_(2).sub_(1)
        agreeing = (signs @ signs.T).double().add_(signs.shape[1]).mul_(readers / 2)
        record.kernel = agreeing if record.kernel is None else record.kernel + agreeing

    return hook


def _watch(record: BatchPass) -> Callable[[nn.Module, tuple[Tensor], Tensor], None]:
    """Return a hook that waits for the gradient of an output and keeps what is left of both."""

    def hook(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:  # noqa: ARG001
        value = output.detach()

        def keep(gradient: Tensor) -> None:
            if len(record.saliencies) == len(record.layers):
                return  # the loss's pass filled them, this is the logits'
            product = value * gradient
            positions = tuple(range(2, product.ndim))
            record.saliencies.append(product.sum(positions) if positions else product)

        output.register_hook(keep)

    return hook


@dataclass(frozen=True)
class ProxyBatch:
    """Images and labels, with what the network around them has to know.

    Args:
        x: ``(n, c, h, w)`` float32 in [0, 1], h and w at least 4.
        y: ``(n,)`` int64.
        classes: Outputs of the network.
        normalisation: Mean and standard deviation per channel.
    """

    x: Tensor
    y: Tensor
    classes: int
    normalisation: Statistics


def load_batch(images: Any, batch_size: int, rng: np.random.Generator) -> ProxyBatch:
    """Return a batch of a named set or a folder, or the pair ``(x, y)`` that was given.

    Images are normalised by the published statistics of their set where there are some, else by
    the batch's own.

    Raises:
        InvalidInputError: If it is none of these, or the images are not in [0, 1].
        MissingMeasurementError: If a set's official files are not there.
    """
    if not isinstance(images, str | PathLike):
        return _given(images)
    loaded = load_images(images, limit=batch_size, seed=rng)
    batch = _given(loaded.batch(batch_size, rng), classes=len(loaded.classes))
    return replace(batch, normalisation=NORMALISATIONS.get(loaded.name, batch.normalisation))


def _given(pair: Any, classes: int | None = None) -> ProxyBatch:
    """Return a pair ``(x, y)`` as a batch, normalised by its own statistics."""
    try:
        x, y = (as_tensor(part, "images") for part in pair)
    except (TypeError, ValueError):
        x, y = torch.empty(0), torch.empty(0)
    if x.ndim != 4 or min(x.shape[-2:]) < 4 or y.shape != x.shape[:1] or len(y) < 2:
        got = f"shapes {tuple(x.shape)} and {tuple(y.shape)}" if x.ndim > 1 else brief(pair)
        msg = f"images: expected a name, a folder or (x, y) of shapes (n, c, h, w), (n,), got {got}"
        raise InvalidInputError(msg)
    if y.is_floating_point() or y.is_complex() or y.dtype == torch.bool or x.is_complex():
        msg = f"images: expected (x, y) with numbers x and integers y, got {x.dtype} and {y.dtype}"
        raise InvalidInputError(msg)
    x, y = outside_inference(x).to(torch.float32), outside_inference(y).to(torch.int64)
    check_range(x, "images")
    check_classes(y, name="images")
    mean, deviation = x.mean(dim=(0, 2, 3)), x.std(dim=(0, 2, 3)).clamp_min(1e-3)
    statistics = (tuple(mean.tolist()), tuple(deviation.tolist()))
    return ProxyBatch(x, y, classes or max(int(y.max()) + 1, 2), statistics)

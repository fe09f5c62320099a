"""One network, one batch: what the proxies look at, each shared quantity computed once.

That is so in evaluation mode; in training mode batch norm couples the images of a batch.
"""

import zlib
from collections.abc import Callable, Collection, Hashable
from contextlib import ExitStack
from copy import deepcopy
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..networks import CellNetwork
from ..spaces import Architecture
from .batch_pass import BatchPass, Need, run_batch_pass

T = TypeVar("T")


class Probe:
    """A freshly initialised network and the batch that goes through it.

    Args:
        network: Initialised; the probe puts it into training or evaluation mode as it goes.
        x: Images ``(n, c, h, w)`` in [0, 1], on the network's device.
        y: Labels ``(n,)``.
        needs: What the shared pass has to record, over all proxies that will read it.
        seed: Of what is random besides the weights.
    """

    def __init__(
        self,
        network: CellNetwork,
        x: Tensor,
        y: Tensor,
        *,
        needs: Collection[Need] = tuple(Need),
        seed: int = 0,
    ) -> None:
        self.network = network
        self.architecture: Architecture = network.architecture
        self.x, self.y = x, y
        self.needs = frozenset(needs)
        self.seed = seed
        self._made: dict[Hashable, Any] = {}
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = 1.0  # one pass makes the batch's statistics the running ones

    def generator(self, name: str) -> torch.Generator:
        """Return a generator on the CPU that depends on the seed, the cell and ``name`` only."""
        return make_generator(self.seed, self.architecture, name)

    def copy(self) -> CellNetwork:
        """Return a copy of the network in training mode, to do with as one likes."""
        return deepcopy(self.network).train()

    @cached_property
    def batch_pass(self) -> BatchPass:
        """What one pass over the batch recorded, batch norm in training mode."""
        self.network.train()
        return run_batch_pass(self.network, self.x, self.y, self.needs)

    @cached_property
    def _calibrated(self) -> CellNetwork:
        self.network.train()
        with torch.no_grad():
            # If it is there, its pass has set the statistics already.
            if "batch_pass" not in self.__dict__:
                self.network(self.x)
        return self.network

    @property
    def calibrated(self) -> CellNetwork:
        """The network in evaluation mode, batch norm frozen at the statistics of the batch.

        So every image has outputs of its own, and the network is piecewise linear in the pixels.
        """
        return self._calibrated.eval()

    def jacobian(self, images: int) -> Tensor:
        """Return the Jacobian of the calibrated network, ``(images, classes, pixels)``.

        Args:
            images: How many images of the batch, at most.
        """
        images = min(images, len(self.x))
        return self.once(
            ("jacobian", images), lambda: logit_jacobian(self.calibrated, self.x[:images])
        )

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what ``make`` returned when it was first called for this key."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]


def make_generator(seed: int, architecture: Architecture, name: str) -> torch.Generator:
    """Return a generator on the CPU for one purpose in one cell."""
    # Not ``hash``, which is another for a text in each process.
    entropy = (seed, architecture.index, zlib.crc32(name.encode()))
    state = np.random.SeedSequence(entropy).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))


def logit_jacobian(network: CellNetwork, x: Tensor) -> Tensor:
    """Return the derivative of every logit by every pixel, ``(n, classes, c * h * w)``.

    Args:
        network: In evaluation mode.
        x: Images ``(n, c, h, w)``.
    """
    x = x.detach().requires_grad_()
    logits = network(x)
    rows = [
        torch.autograd.grad(logit, x, retain_graph=True, materialize_grads=True)[0].flatten(1)
        # Summed over images, which do not meet in evaluation mode: one pass for each class.
        for logit in logits.sum(0)
    ]
    return torch.stack(rows, dim=1)


def gradient_gram(network: CellNetwork, x: Tensor) -> Tensor:
    """Return the empirical tangent kernel of the sum of logits, ``(n, n)`` float64.

    ``K_ij = <ds(x_i)/dW, ds(x_j)/dW>`` with s the sum of logits and W the weights of all
    convolutions and of the classifier.

    Args:
        network: In evaluation mode.
        x: Images ``(n, c, h, w)``.
    """
    gram = torch.zeros(len(x), len(x), dtype=torch.float64, device=x.device)
    with ExitStack() as hooks:
        for layer in network.layers():
            hooks.callback(layer.register_forward_hook(_watch(layer, gram)).remove)
        summed = network(x.detach().requires_grad_()).sum()
    # The gradient by the pixels passes every layer on its way.
    network.zero_grad()
    summed.backward(inputs=[network.stem.convolution.weight, network.head.linear.weight])
    network.zero_grad()
    return gram


def _watch(
    layer: nn.Conv2d | nn.Linear, gram: Tensor
) -> Callable[[nn.Module, tuple[Tensor], Tensor], None]:
    """Return a hook that adds a layer's share to the kernel once its gradient arrives."""

    def hook(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:  # noqa: ARG001
        before = inputs[0].detach()

        def add(gradient: Tensor) -> None:
            per_image = image_gradients(layer, before, gradient).flatten(1)
            # Layer by layer, so that no image's whole gradient is ever held.
            gram.add_((per_image @ per_image.T).double())

        output.register_hook(add)

    return hook


def image_gradients(layer: nn.Conv2d | nn.Linear, before: Tensor, gradient: Tensor) -> Tensor:
    """Return each image's gradient by a layer's weight, ``(n, outputs, inputs * kernel area)``.

    Args:
        layer: A convolution without groups and dilation, or a linear layer.
        before: What went into it.
        gradient: Of what came out of it.
    """
    if isinstance(layer, nn.Linear):
        return gradient[:, :, None] * before[:, None, :]
    if layer.kernel_size == (1, 1) and layer.stride == (1, 1):
        patches = before.flatten(2)
    else:
        # Padding is never a word here.
        padding = layer.padding if isinstance(layer.padding, tuple) else (0, 0)
        patches = functional.unfold(before, layer.kernel_size, padding=padding, stride=layer.stride)
    # (n, outputs, positions) by (n, positions, inputs * kernel area).
    return gradient.flatten(2) @ patches.transpose(1, 2)

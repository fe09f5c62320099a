"""One forward and at most two backward passes over the batch, for all proxies that are asked for.

Batch norm uses the statistics of the batch, as in the code of Abdelfattah, Mehrotra, Dudziak &
Lane, "Zero-Cost Proxies for Lightweight NAS" (ICLR 2021), and of NAS-Bench-Suite-Zero.
"""

from collections.abc import Callable, Collection
from contextlib import ExitStack
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..networks import CellNetwork
from ..networks.blocks import Rectifier
from .needs import Need


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

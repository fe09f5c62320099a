"""Derivatives image by image, for networks in which no image sees another.

That is so in evaluation mode; in training mode batch norm couples the images of a batch.
"""

from collections.abc import Callable
from contextlib import ExitStack

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..networks import CellNetwork


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
    return gradient.flatten(2) @ patches.transpose(1, 2)

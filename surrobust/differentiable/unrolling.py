"""The gradient of an outer objective by the architecture parameters.

Liu, Simonyan & Yang, "DARTS: Differentiable Architecture Search" (ICLR 2019). First order: at the
weights as they are. Second order: at the weights after one more step of the inner problem, which
depends on the architecture too (equations 6 and 7). Unlike the paper, the product with the mixed
second derivative is taken exactly, by differentiating the inner gradient, not by differences.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from .._classifiers import in_mode
from .supernets import AbstractSupernet

Function = Callable[[AbstractSupernet], Tensor]
"""A differentiable number made of a supernet."""


@dataclass(frozen=True)
class InnerStep:
    """One step of gradient descent with momentum on the weights.

    Args:
        rate: Learning rate.
        momentum: Share of the buffer that is kept.
        decay: Weight decay.
        buffers: Momentum buffer by name of the weight; none count as zero.
    """

    rate: float
    momentum: float = 0.0
    decay: float = 0.0
    buffers: Mapping[str, Tensor] = field(default_factory=dict)

    def move(self, name: str, weight: Tensor, gradient: Tensor) -> Tensor:
        """Return the weight after the step, a new leaf."""
        direction = gradient.detach() + self.decay * weight.detach()
        if name in self.buffers:
            direction = direction + self.momentum * self.buffers[name]
        # A leaf: how it depends on alpha is put in by ``_unrolled``.
        return (weight.detach() - self.rate * direction).requires_grad_()


def architecture_gradients(
    network: AbstractSupernet,
    outers: Sequence[Function],
    *,
    inner: Function | None = None,
    step: InnerStep | None = None,
) -> list[tuple[Tensor, Tensor]]:
    """Return value and gradient by ``alphas`` of each outer objective.

    Args:
        network: Its weights, parameters and batch statistics are left as they are.
        outers: The outer objectives.
        inner: The inner loss; with it the gradients are of second order, else of first.
        step: The inner step.

    Returns:
        Pairs of a number and a tensor of the shape of ``alphas``, without graphs.
    """
    weights = network.weights()
    if inner is None or step is None:
        found = []
        for outer in outers:
            value = evaluate_at(network, {}, outer)
            (gradient,) = torch.autograd.grad(value, [network.alphas], materialize_grads=True)
            found.append((value.detach(), gradient))
        return found
    # With a graph, as the mixed second derivative differentiates them by alpha.
    slopes = torch.autograd.grad(
        evaluate_at(network, {}, inner),
        list(weights.values()),
        create_graph=True,
        materialize_grads=True,
    )
    moved = {
        name: step.move(name, weight, slope)
        for (name, weight), slope in zip(weights.items(), slopes, strict=True)
    }
    return [_unrolled(network, outer, slopes, moved, step.rate) for outer in outers]


def _unrolled(
    network: AbstractSupernet,
    outer: Function,
    slopes: Sequence[Tensor],
    moved: dict[str, Tensor],
    rate: float,
) -> tuple[Tensor, Tensor]:
    value = evaluate_at(network, moved, outer)
    direct, *back = torch.autograd.grad(
        value, [network.alphas, *moved.values()], materialize_grads=True
    )
    # A slope that is zero everywhere has no graph, and no part in the product.
    pairs = [(s, b) for s, b in zip(slopes, back, strict=True) if s.requires_grad]
    # Equation 7: of the moved weights only the inner gradient, times -rate, depends on alpha.
    (mixed,) = torch.autograd.grad(
        [s for s, _ in pairs],
        [network.alphas],
        grad_outputs=[b for _, b in pairs],
        # The next outer objective reads the same slopes.
        retain_graph=True,
        materialize_grads=True,
    )
    return value.detach(), direct - rate * mixed


def evaluate_at(
    network: AbstractSupernet, weights: Mapping[str, Tensor], function: Function
) -> Tensor:
    """Return a function of the network with other weights and its own batch statistics kept.

    Args:
        network: Left as it is; its mode during the call is training.
        weights: Replacements by name; those not named stay.
        function: What is evaluated.
    """
    host = _Host(network)
    swapped = {f"network.{name}": tensor for name, tensor in weights.items()}
    # What batch norm learns here goes into copies, and away with them.
    swapped |= {f"network.{name}": tensor.clone() for name, tensor in network.named_buffers()}
    with in_mode(True, network):
        return torch.func.functional_call(host, swapped, (function,))


class _Host(nn.Module):
    """A module whose forward applies a function to a network, so that its weights may be swapped.

    Args:
        network: The network.
    """

    def __init__(self, network: AbstractSupernet) -> None:
        super().__init__()
        self.network = network

    def forward(self, function: Function) -> Tensor:
        """Return the function's value."""
        return function(self.network)

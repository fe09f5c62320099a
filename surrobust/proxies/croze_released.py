"""What the released code of CRoZe computes, which is not the formula of its paper.

Ha, Kim & Hwang (NeurIPS 2023); repository HyeonjeongHa/CRoZe, commit 3e89e3d,
``zero_cost_methods/pruners``. Checked against that code, run beside ours on the same weights,
biases and images: see ``experiments/proxies``.
"""

import math
from collections.abc import Callable
from contextlib import ExitStack
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..networks import CellNetwork
from ..networks.cell import Cell

_RATE, _TINY = 0.001, 1e-30
"""Rate of the twin's step and what a norm is divided beside, as in the code."""
_STAGES = 3

Hook = Callable[..., None]


def score_as_released(
    network: CellNetwork,
    x: Tensor,
    y: Tensor,
    *,
    strength: float,
    epsilon: float,
    generator: torch.Generator,
) -> float:
    """Return ``sum_m W_m G_m Z_m`` over convolutions and the classifier.

    Of layer m, ``W_m = sum (1 + cos(w, w'))`` over its weights in network and twin,
    ``G_m = sum |cos(g, g')|`` over their gradients, ``Z_m = sum (1 + cos(z, z'))`` over features:
    each cosine along the first axis (output channels; for features the images), each sum over all
    other axes. The features are not the layer's own but of one of five places: the stem, the two
    reductions, the last cell behind the last ReLU, the pooled input of the classifier. A layer goes
    with the last of them before it, those of a stage's last cell with the next.

    Args:
        network: Initialised; left as it is.
        x: Images ``(n, c, h, w)`` in [0, 1]; the network's first layer normalises them beforehand.
        y: Labels ``(n,)``.
        strength: Length of the twin's step by the norm of the weight.
        epsilon: Step down the loss, in normalised pixels, which are clipped to [0, 1] afterwards.
        generator: Source of the biases, on the CPU.
    """
    clean = as_released(network, generator)
    twin = deepcopy(clean)
    x = network.normalise(x).detach().double()
    z, loss = _run(clean, x, y)
    g = _slopes(loss, clean)
    for layer, slope in zip(_layers(twin), _slopes(_run(twin, x, y)[1], twin), strict=True):
        _climb(layer, slope, strength)
    x_ = x.clone().requires_grad_()
    by_pixels = _run(twin, x_, y)[1]
    # The code does not clear the gradients of the twin's weights between its two passes.
    slope, *g_ = torch.autograd.grad(
        by_pixels, [x_, *_weights(twin)], allow_unused=True, materialize_grads=True
    )
    z_, loss = _run(twin, (x - epsilon * slope.sign()).clamp(0, 1), y)
    g_ = [first + second for first, second in zip(g_, _slopes(loss, twin), strict=True)]
    total = 0.0
    for number, place in enumerate(_places(clean)):
        w, w_ = (_weights(of)[number].detach() for of in (clean, twin))
        weight, feature = (1 + _cosines(w, w_)).sum(), (1 + _cosines(z[place], z_[place])).sum()
        total += float((weight * _cosines(g[number], g_[number]).abs().sum() * feature).abs())
    return total


@torch.no_grad()
def as_released(network: CellNetwork, generator: torch.Generator) -> CellNetwork:
    """Return a copy as the code has it, in training mode and double precision.

    Without batch norm but in the reductions, with biases in the cells, whose batch norm there has
    no parameters, and with absolute weights and biases.

    Args:
        network: Left as it is.
        generator: Source of the biases, on the CPU: torch's default, within 1 / sqrt(fan in).
    """
    copy = deepcopy(network).double().train()
    copy.add_module("normalise", nn.Identity())
    copy.stem.add_module("norm", nn.Identity())
    copy.head.add_module("norm", nn.Identity())
    for cell in copy.modules():
        for block in cell.children() if isinstance(cell, Cell) else ():
            if (convolution := getattr(block, "convolution", None)) is not None:
                block.add_module("norm", nn.Identity())
                convolution.bias = _draw_bias(convolution, generator)
    for parameter in copy.parameters():
        parameter.abs_()
    return copy


def _draw_bias(layer: nn.Conv2d, generator: torch.Generator) -> nn.Parameter:
    bound = 1 / math.sqrt(layer.weight[0].numel())
    drawn = torch.empty(layer.out_channels).uniform_(-bound, bound, generator=generator)
    return nn.Parameter(drawn.to(layer.weight))


def _blocks(network: CellNetwork) -> list[tuple[nn.Module, int]]:
    """Return the parts of a network in their order, each with the number of its features."""
    found: list[tuple[nn.Module, int]] = [(network.stem, 0)]
    for stage in range(1, _STAGES + 1):
        *inner, last = network.get_submodule(f"stage_{stage}").children()
        found += [*((cell, stage - 1) for cell in inner), (last, stage)]
        if stage < _STAGES:
            found.append((network.get_submodule(f"reduction_{stage}"), stage))
    return [*found, (network.head, _STAGES + 1)]


def _paired(network: CellNetwork) -> list[tuple[nn.Conv2d | nn.Linear, int]]:
    return [
        (layer, place)
        for block, place in _blocks(network)
        for layer in block.modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
    ]


def _layers(network: CellNetwork) -> list[nn.Conv2d | nn.Linear]:
    return [layer for layer, _ in _paired(network)]


def _places(network: CellNetwork) -> list[int]:
    return [place for _, place in _paired(network)]


def _weights(network: CellNetwork) -> list[Tensor]:
    return [layer.weight for layer in _layers(network)]


def _run(network: CellNetwork, x: Tensor, y: Tensor) -> tuple[list[Tensor], Tensor]:
    """Return features at five places, and the loss."""
    features: list[Tensor] = []

    def after(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:  # noqa: ARG001
        features.append(output.detach())

    def before(module: nn.Module, inputs: tuple[Tensor]) -> None:  # noqa: ARG001
        features.append(inputs[0].detach())

    with ExitStack() as hooks:
        # The last ReLU works in place, on what was kept of the last cell.
        for name in ("stem", "reduction_1", "reduction_2", "head.rectify"):
            hooks.callback(network.get_submodule(name).register_forward_hook(after).remove)
        hooks.callback(network.head.linear.register_forward_pre_hook(before).remove)
        loss = functional.cross_entropy(network(x), y)
    return features, loss


def _slopes(loss: Tensor, network: CellNetwork) -> list[Tensor]:
    """Return the gradient by the weight of each layer, zero where none comes through."""
    weights = _weights(network)
    return list(torch.autograd.grad(loss, weights, allow_unused=True, materialize_grads=True))


@torch.no_grad()
def _climb(layer: nn.Conv2d | nn.Linear, slope: Tensor, strength: float) -> None:
    """Move a weight along what a small step up the loss changes of it, in double precision."""
    # Not the slope itself: the code has the step from two sets of weights, with its rounding.
    step = (layer.weight + _RATE * slope) - layer.weight
    layer.weight.add_(strength * layer.weight.norm() / (step.norm() + _TINY) * step)


def _cosines(a: Tensor, b: Tensor) -> Tensor:
    """Return cosines along the first axis; 0 where one of two vectors is zero."""
    return functional.cosine_similarity(a, b, dim=0)

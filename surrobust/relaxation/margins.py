"""Linear lower bounds, backward from the margin to the pixels.

Zhang, Weng, Chen, Hsieh & Daniel, "Efficient Neural Network Robustness Certification with General
Activation Functions" (NeurIPS 2018); Boopathy, Weng, Chen, Liu & Daniel, "CNN-Cert" (AAAI 2019).
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from .box import Box
from .intervals import Forward, Ranges, interval_ranges, replaced
from .pieces import Ledger, RelaxedMaximum, RelaxedReLU, windows


def margin_bounds(
    network: nn.Module, box: Box, classes: Tensor, *, differentiable: bool = False
) -> Tensor:
    """Return lower bounds, over the box or its ball, of a class's logit minus each other one.

    Args:
        network: In evaluation mode, piecewise linear: what is in it besides sums with weights that
            are not negative, averages and concatenations is of the types in ``intervals.AFFINE``,
            a ``Rectifier`` or an ``nn.MaxPool2d``. Each of the latter two is called once.
        box: n boxes.
        classes: The class of each image, ``(n,)``.
        differentiable: Whether the bounds keep their graph, so that they have gradients by
            whatever the network is made of.

    Returns:
        ``(n, K - 1)``, the other classes in ascending order.
    """
    ranges = interval_ranges(network, box, differentiable=differentiable)
    ledger = Ledger()
    x = box.point.detach().requires_grad_()
    with _relaxed(network, ranges, ledger):
        logits = network(x)
    others = _others(classes, logits.shape[1])
    margins = logits.gather(1, classes[:, None]) - logits.gather(1, others)
    bounds = []
    for margin in margins.T:
        ledger.correction = 0.0
        (slope,) = torch.autograd.grad(
            margin.sum(),
            x,
            retain_graph=True,
            create_graph=differentiable,
            materialize_grads=True,
        )
        value = margin if differentiable else margin.detach()
        bounds.append(value + ledger.correction - box.reach(slope))
    ledger.closed = True
    return torch.stack(bounds, dim=1)


def _others(classes: Tensor, n_classes: int) -> Tensor:
    """Return for each image the classes that are not its own, ``(n, K - 1)``."""
    every = torch.arange(n_classes - 1, device=classes.device)[None, :]
    return every + (every >= classes[:, None])


@contextmanager
def _relaxed(network: nn.Module, ranges: Ranges, ledger: Ledger) -> Iterator[None]:
    """Let values pass as they are, and gradients as the coefficients of a linear bound."""

    def forward_of(module: nn.Module) -> Forward | None:
        if module not in ranges:
            return None
        lower, upper = ranges[module]
        if isinstance(module, nn.MaxPool2d):
            return _maximum(module, lower, upper, ledger)
        return lambda x: RelaxedReLU.apply(x, lower, upper, ledger)

    with replaced(network, forward_of):
        yield


def _maximum(module: nn.MaxPool2d, lower: Tensor, upper: Tensor, ledger: Ledger) -> Forward:
    layout = (module.kernel_size, module.stride, module.padding)
    kernel, stride, padding = (s if isinstance(s, int) else s[0] for s in layout)
    # Below every lower bound, and finite: what lies outside never leads and never counts.
    outside = float(lower.detach().min()) - 1.0

    def forward(x: Tensor) -> Tensor:
        cut = [windows(part, kernel, stride, padding, outside) for part in (x, lower, upper)]
        return RelaxedMaximum.apply(*cut, ledger)

    return forward

"""Linear lower bounds, backward from the margin to the pixels.

Zhang, Weng, Chen, Hsieh & Daniel, "Efficient Neural Network Robustness Certification with General
Activation Functions" (NeurIPS 2018); Boopathy, Weng, Chen, Liu & Daniel, "CNN-Cert" (AAAI 2019).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

import torch
from torch import Tensor, nn

from .._checks import check_choice
from .._classifiers import takes_gradients
from .box import Box
from .intervals import Forward, Ranges, interval_ranges, replaced
from .linear import linear_ranges
from .pieces import Additions, RelaxedMaximum, RelaxedReLU, layout_of, windows
from .soundness import check_bounded, check_layers

RANGES: Mapping[str, Callable[..., Ranges]] = MappingProxyType(
    {"interval": interval_ranges, "linear": linear_ranges}
)
"""Where the range of what enters a ReLU or maximum may come from."""


@takes_gradients
def margin_bounds(
    network: nn.Module,
    box: Box,
    classes: Tensor,
    *,
    ranges: str = "interval",
    differentiable: bool = False,
    known: bool = False,
) -> Tensor:
    """Return lower bounds, over the box or its ball, of a class's logit minus each other one.

    Args:
        network: In evaluation mode, piecewise linear: what is in it besides sums with weights that
            are not negative, averages and concatenations is of the types in ``intervals.AFFINE``,
            a ReLU or an ``nn.MaxPool2d``. Each of the latter two is called once.
        box: n boxes.
        classes: The class of each image, ``(n,)``.
        ranges: A name in ``RANGES``: ``interval`` is fast, ``linear`` much tighter, at the cost of
            a forward pass for each pixel and relaxed piece.
        differentiable: Whether the bounds keep their graph, so that they have gradients by
            whatever the network is made of.
        known: Whether :func:`check_bounded` need not try the network again; the types of its layers
            are looked at all the same.

    Returns:
        ``(n, K - 1)``, the other classes in ascending order.

    Raises:
        InvalidInputError: If the network cannot be bounded, or is too large for ``ranges``.
    """
    find = RANGES[check_choice("ranges", ranges, RANGES)]
    if known:
        check_layers(network)
    else:
        check_bounded(network, box.centre[:1])
    found = find(network, box, differentiable=differentiable)
    ledger = Additions()
    x = box.point.detach().requires_grad_()
    with _relaxed(network, found, ledger):
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
    ledger.correction = 0.0  # the graph holds the ledger, which must not hold the graph
    return torch.stack(bounds, dim=1)


def _others(classes: Tensor, n_classes: int) -> Tensor:
    """Return for each image the classes that are not its own, ``(n, K - 1)``."""
    every = torch.arange(n_classes - 1, device=classes.device)[None, :]
    return every + (every >= classes[:, None])


@contextmanager
def _relaxed(network: nn.Module, ranges: Ranges, ledger: Additions) -> Iterator[None]:
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


def _maximum(module: nn.MaxPool2d, lower: Tensor, upper: Tensor, ledger: Additions) -> Forward:
    layout = layout_of(module)
    # Below every lower bound, and finite: what lies outside never leads and never counts.
    outside = float(lower.detach().min()) - 1.0

    def forward(x: Tensor) -> Tensor:
        cut = [windows(part, layout, outside) for part in (x, lower, upper)]
        return RelaxedMaximum.apply(*cut, ledger)

    return forward

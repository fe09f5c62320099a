"""ReLU and maximum with two faces: themselves forward, a linear bound of themselves backward.

What comes back to a layer is the coefficient of each of its outputs in a linear lower bound. Where
it is positive the output is replaced by something linear below it, where negative by something
above. That changes the value at the point by ``coefficient * (bound - output)``, which the ledger
sums up. The backward passes are made of operations that have derivatives themselves, and once the
ledger is closed they are the layers' own: so a bound can be differentiated.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass
class Additions:
    """What the replaced pieces add to the value at the point, ``(n,)``; filled on the way back."""

    correction: Any = field(default=0.0)
    closed: bool = False

    def add(self, change: Tensor) -> None:
        """Add changes of any shape ``(n, ...)``."""
        self.correction = self.correction + change.flatten(1).sum(1)


class RelaxedReLU(torch.autograd.Function):
    """ReLU between its chord and a line through zero.

    Above it runs the chord ``u (z - l) / (u - l)``; below it ``z`` if u > -l, else zero (Zhang,
    Weng, Chen, Hsieh & Daniel, NeurIPS 2018, section 3.3).
    """

    @staticmethod
    def forward(ctx: Any, z: Tensor, lower: Tensor, upper: Tensor, ledger: Additions) -> Tensor:
        """Return the ReLU of z, which lies between lower and upper."""
        ctx.save_for_backward(z, lower, upper)
        ctx.ledger = ledger
        return z.clamp_min(0)

    @staticmethod
    def backward(ctx: Any, *outputs: Tensor) -> Any:
        """Return the coefficients of z."""
        (a,) = outputs
        z, lower, upper = ctx.saved_tensors
        if ctx.ledger.closed:
            return a * (z > 0), None, None, None
        split = (lower < 0) & (upper > 0)
        always = (lower >= 0).to(z.dtype)
        chord = torch.where(split, upper / torch.where(split, upper - lower, 1.0), always)
        below = torch.where(split, (upper > -lower).to(z.dtype), always)
        slope = torch.where(a < 0, chord, below)
        offset = torch.where((a < 0) & split, -chord * lower, torch.zeros_like(z))
        ctx.ledger.add(a * (slope * z + offset - z.clamp_min(0)))
        return a * slope, None, None, None


class RelaxedMaximum(torch.autograd.Function):
    """The maximum over the last dimension.

    It is at least the entry whose lower bound is highest. It is that entry if no other can exceed
    it, and at most the highest upper bound. Looser from above than CNN-Cert's plane (Boopathy et
    al., AAAI 2019), which is not needed for soundness.
    """

    @staticmethod
    def forward(ctx: Any, z: Tensor, lower: Tensor, upper: Tensor, ledger: Additions) -> Tensor:
        """Return the maximum of z ``(n, ..., k)``, which lies between lower and upper."""
        ctx.save_for_backward(z, lower, upper)
        ctx.ledger = ledger
        return z.amax(-1)

    @staticmethod
    def backward(ctx: Any, *outputs: Tensor) -> Any:
        """Return the coefficients of z."""
        (a,) = outputs
        z, lower, upper = ctx.saved_tensors
        if ctx.ledger.closed:
            largest = functional.one_hot(z.argmax(-1), z.shape[-1])
            return a.unsqueeze(-1) * largest, None, None, None
        chosen = functional.one_hot(lower.argmax(-1), lower.shape[-1]).to(torch.bool)
        others = upper.masked_fill(chosen, -torch.inf).amax(-1)
        leads = lower.amax(-1) >= others
        linear = (a >= 0) | leads
        entry = torch.where(chosen, z, torch.zeros_like(z)).sum(-1)
        value = torch.where(linear, entry, upper.amax(-1))
        ctx.ledger.add(a * (value - z.amax(-1)))
        return (a * linear).unsqueeze(-1) * chosen, None, None, None


def layout_of(module: nn.MaxPool2d) -> tuple[int, int, int]:
    """Return kernel, stride and padding of square windows, in pixels."""
    layout = (module.kernel_size, module.stride, module.padding)
    kernel, stride, padding = (s if isinstance(s, int) else s[0] for s in layout)
    return kernel, stride, padding


def entries(x: Tensor, layout: tuple[int, int, int], outside: float) -> Iterator[Tensor]:
    """Yield for each place in a window what every window ``(n, c, h', w')`` has there.

    Args:
        x: ``(n, c, h, w)``.
        layout: Side of a window, step between windows, rows and columns added on each side.
        outside: What stands in them.
    """
    kernel, stride, padding = layout
    padded = functional.pad(x, (padding,) * 4, value=outside)
    height, width = ((side - kernel) // stride * stride + 1 for side in padded.shape[2:])
    for i, j in product(range(kernel), repeat=2):
        yield padded[:, :, i : i + height : stride, j : j + width : stride]


def windows(x: Tensor, layout: tuple[int, int, int], outside: float) -> Tensor:
    """Return the windows of images, ``(n, c, h', w', kernel * kernel)``; see :func:`entries`."""
    return torch.stack(list(entries(x, layout, outside)), dim=-1)

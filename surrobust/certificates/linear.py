"""Linear functions forward through a network: tighter ranges of what enters each ReLU and maximum.

A value is written as a linear function of the pixels plus an error term for each piece that was
relaxed before it, the terms between -1 and 1. Summed up, the error terms give two parallel linear
functions of the pixels that enclose the value within the ball; kept apart, they cancel where paths
meet, which a lower and an upper function carried through every layer would not.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ..errors import InvalidInputError
from .box import Box, TermRows, safe_root
from .intervals import AFFINE, BENT, Forward, Ranges, bend, record, replaced, without_offset
from .pieces import entries, layout_of, windows

LARGEST = 2**27
"""Coefficients of an image in a layer at most; in all layers where graphs are kept, which take some
hundred bytes each then."""

_CENTRE, _RADIUS, _VALUE, _SLOPES = range(4)
"""Rows: an interval's centre and radius, the function at the point, then its coefficients."""


def linear_ranges(network: nn.Module, box: Box, *, differentiable: bool = False) -> Ranges:
    """Return bounds of what enters each ReLU and max pool, by linear functions of the pixels.

    Singh, Gehr, Mirman, Püschel & Vechev, "Fast and Effective Robustness Certification" (NeurIPS
    2018), theorem 3.1 for the ReLU; intersected with intervals at every layer, so never looser than
    :func:`~surrobust.certificates.interval_ranges`. Image by image: pixels and relaxed pieces times
    the values of a layer are held at once.

    Args:
        network: In evaluation mode; each ReLU and max pool is called once.
        box: n boxes or balls.
        differentiable: Whether the bounds keep their graph.

    Raises:
        InvalidInputError: If a ReLU or max pool is called twice, or there are more than
            ``LARGEST`` coefficients.
    """
    found = []
    for one in box.split():
        course = _Course(one, differentiable)
        with torch.set_grad_enabled(differentiable), replaced(network, course.forward_of):
            network(course.start())
        found.append(course.ranges)
    return {
        module: (
            torch.cat([ranges[module][0] for ranges in found]),
            torch.cat([ranges[module][1] for ranges in found]),
        )
        for module in found[0]
    }


@dataclass
class _Course:
    """The way of one image's linear functions through a network.

    Args:
        box: One box or ball.
        differentiable: Whether graphs are kept.
    """

    box: Box
    differentiable: bool
    ranges: Ranges = field(default_factory=dict)
    terms: int = 0
    """Pixels and pieces that have a row."""
    held: int = 0
    """Coefficients counted towards ``LARGEST``."""

    def start(self) -> Tensor:
        """Return the pixels as functions of themselves: of where they are within the ball."""
        centre, radius = self.box.centre, self.box.radius
        scale = radius if self.box.ball is None else torch.full_like(radius, self.box.ball[1])
        slopes = torch.diag(scale.flatten()).view(-1, *centre.shape[1:])
        return torch.cat([centre, radius, self.box.point, slopes]).as_subclass(TermRows)

    def forward_of(self, module: nn.Module) -> Forward | None:
        """Return how a layer maps rows, None where as any batch."""
        if isinstance(module, AFFINE):
            return lambda rows: self._affine(module, _plain(rows))
        if isinstance(module, nn.MaxPool2d):
            return lambda rows: self._maximum(module, _plain(rows))
        if isinstance(module, BENT):
            return lambda rows: self._rectify(module, _plain(rows))
        return None

    def _affine(self, module: nn.Module, rows: Tensor) -> Tensor:
        moved = type(module).forward(module, rows[[_CENTRE, _VALUE]])
        radius = without_offset(module, rows[_RADIUS:_VALUE], absolute=True)
        slopes = without_offset(module, rows[_SLOPES:], absolute=False)
        return torch.cat([moved[:1], radius, moved[1:], slopes]).as_subclass(TermRows)

    def _rectify(self, module: nn.Module, rows: Tensor) -> Tensor:
        """Return ``u / (u - l) z + e`` with e between 0 and ``-u l / (u - l)``."""
        lower, upper = self._enter(module, rows)
        split = (lower < 0) & (upper > 0)
        slope = torch.where(split, upper / torch.where(split, upper - lower, 1.0), lower >= 0)
        half = torch.where(split, -slope * lower / 2, torch.zeros_like(lower))
        return self._leave(module, (lower, upper), slope * rows[_VALUE:], half)

    def _maximum(self, module: nn.MaxPool2d, rows: Tensor) -> Tensor:
        """Return the entry whose lower bound is highest, plus what others may exceed it by.

        Where that is more than the whole range of the maximum, the middle of the range.
        """
        lower, upper = self._enter(module, rows)
        layout, outside = layout_of(module), float(lower.detach().min()) - 1.0
        low, high = (windows(bound, layout, outside) for bound in (lower, upper))
        leader = low.argmax(-1)
        chosen = rows.new_zeros(1)
        for place, entry in enumerate(entries(rows[_VALUE:], layout, 0.0)):
            chosen = torch.where(leader == place, entry, chosen)
        gap = torch.zeros_like(low[..., 0])
        for place, entry in enumerate(entries(rows[_VALUE:], layout, 0.0)):
            more = entry - chosen
            beyond = more[:1] + self._reach(more[1:])
            gap = torch.maximum(gap, beyond.masked_fill(high[..., place] == outside, 0.0))
        width = high.amax(-1) - low.amax(-1)
        keeps = gap < width
        value = torch.where(keeps, chosen[:1], low.amax(-1))
        linear = torch.cat([value, torch.where(keeps, chosen[1:], 0.0)])
        return self._leave(module, (lower, upper), linear, torch.where(keeps, gap, width) / 2)

    def _enter(self, module: nn.Module, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return and note the range of what enters a module."""
        size = rows[_SLOPES:].numel()
        self.held = self.held + size if self.differentiable else size
        if self.held > LARGEST:
            values, terms = rows[0].numel(), len(rows) - _SLOPES
            got = f"{terms} pixels and relaxed pieces for {values} values of a layer"
            msg = f"ranges: expected interval beyond {LARGEST} coefficients, got linear with {got}"
            raise InvalidInputError(msg)
        centre, radius, value = (rows[i : i + 1] for i in (_CENTRE, _RADIUS, _VALUE))
        reach = self._reach(rows[_SLOPES:])
        lower = torch.maximum(centre - radius, value - reach)
        # Of an empty ball, rounding must not turn the range round.
        upper = torch.maximum(torch.minimum(centre + radius, value + reach), lower)
        record(self.ranges, module, lower, upper)
        return lower, upper

    def _reach(self, slopes: Tensor) -> Tensor:
        """Return how far functions can rise above their value at the point, as one row."""
        pixels = self.box.centre.numel()
        if self.box.ball is None:
            return slopes.abs().sum(0, keepdim=True)
        length = safe_root(slopes[:pixels].square().sum(0, keepdim=True))
        return length + slopes[pixels:].abs().sum(0, keepdim=True)

    def _leave(
        self, module: nn.Module, bounds: tuple[Tensor, Tensor], linear: Tensor, half: Tensor
    ) -> Tensor:
        """Return the rows behind a relaxed piece: within ``half`` of ``linear + half``."""
        lower, upper = (bend(module, bound) for bound in bounds)
        errors = half.flatten()
        (places,) = torch.nonzero(errors.detach(), as_tuple=True)
        # Behind the terms of every piece so far: pieces on other paths have terms of their own.
        skipped = max(self.terms - (len(linear) - 1), 0)
        new = errors.new_zeros(skipped + len(places), len(errors))
        rows = torch.arange(skipped, len(new), device=new.device)
        new = new.index_put((rows, places), errors[places])
        self.terms = len(linear) - 1 + len(new)
        interval = [(lower + upper) / 2, (upper - lower) / 2]
        parts = [*interval, linear[:1] + half, linear[1:], new.view(-1, *half.shape[1:])]
        return torch.cat(parts).as_subclass(TermRows)


def _plain(rows: Tensor) -> Tensor:
    return rows.as_subclass(Tensor)

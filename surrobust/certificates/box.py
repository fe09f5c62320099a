"""The images that an attacker may show: a box, or a ball inside of one; and rows of terms."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass
class Box:
    """A box of pixels around each image, perhaps with a Euclidean ball inside.

    Args:
        centre: ``(n, c, h, w)``.
        radius: Of the same shape, not negative.
        ball: Images ``(n, c, h, w)`` and the Euclidean radius of the balls around them that count;
            None where the whole box does.
    """

    centre: Tensor
    radius: Tensor
    ball: tuple[Tensor, float] | None = None

    @classmethod
    def around(cls, x: Tensor, epsilon: float, norm: str = "Linf") -> "Box":
        """Return what lies within ``epsilon`` of images, in ``Linf`` or ``L2``, and within [0, 1].

        The box of a Euclidean ball is the one that encloses it.
        """
        lower, upper = (x - epsilon).clamp_min(0), (x + epsilon).clamp_max(1)
        ball = None if norm == "Linf" else (x, epsilon)
        return cls((lower + upper) / 2, (upper - lower) / 2, ball)

    @property
    def point(self) -> Tensor:
        """The image at which a linear function is valued before :meth:`reach` is subtracted."""
        return self.centre if self.ball is None else self.ball[0]

    def reach(self, slope: Tensor) -> Tensor:
        """Return how far a linear function can fall below its value at the point, ``(n,)``.

        By the dual norm of its slope ``(n, c, h, w)``: the 1-norm for a box, weighted by radii;
        the 2-norm for a Euclidean ball.
        """
        if self.ball is None:
            return (self.radius * slope.abs()).flatten(1).sum(1)
        return self.ball[1] * safe_root(slope.square().flatten(1).sum(1))

    def split(self) -> list["Box"]:
        """Return the boxes one by one."""
        pairs = zip(self.centre.split(1), self.radius.split(1), strict=True)
        if self.ball is None:
            return [Box(*pair) for pair in pairs]
        points, epsilon = self.ball
        return [
            Box(*pair, (point, epsilon)) for pair, point in zip(pairs, points.split(1), strict=True)
        ]


def safe_root(squares: Tensor) -> Tensor:
    """Return square roots whose derivative at 0, where the root has none, is 0."""
    rising = squares > 0
    roots = torch.where(rising, squares, torch.ones_like(squares)).sqrt()
    return torch.where(rising, roots, torch.zeros_like(squares))


class TermRows(Tensor):
    """A batch whose rows are the terms of linear functions; rows that are missing are zero.

    A layer that adds terms returns more rows than it got. Where tensors of different lengths meet
    further on, as at the nodes of a cell, the shorter ones get rows of zeros.
    """

    @classmethod
    def __torch_function__(
        cls,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Call a function of torch on rows of equal number."""
        with torch._C.DisableTorchFunctionSubclass():
            given = args, kwargs or {}
            lengths: list[int] = []
            _each(given, lambda rows: lengths.append(len(rows)))
            longest = max(lengths)
            if min(lengths) < longest:
                given = _each(given, lambda rows: _lengthen(rows, longest))
            found = func(*given[0], **given[1])
            if isinstance(found, list | tuple):
                return type(found)(map(_as_rows, found)) if type(found) in (list, tuple) else found
            return _as_rows(found)


def _each(part: Any, change: Callable[[TermRows], Any]) -> Any:
    """Return arguments with every ``TermRows`` in them changed."""
    if isinstance(part, TermRows):
        return change(part)
    if type(part) in (list, tuple):
        return type(part)(_each(item, change) for item in part)
    return {k: _each(v, change) for k, v in part.items()} if isinstance(part, dict) else part


def _lengthen(rows: TermRows, length: int) -> Tensor:
    missing = rows.new_zeros(length - len(rows), *rows.shape[1:])
    return torch.cat([rows, missing]) if len(missing) else rows


def _as_rows(part: Any) -> Any:
    return part.as_subclass(TermRows) if type(part) is Tensor and part.ndim else part

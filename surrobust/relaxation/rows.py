"""Tensors whose rows are terms, of which those made later have more."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


class Rows(Tensor):
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


def _each(part: Any, change: Callable[[Rows], Any]) -> Any:
    """Return arguments with every ``Rows`` in them changed."""
    if isinstance(part, Rows):
        return change(part)
    if type(part) in (list, tuple):
        return type(part)(_each(item, change) for item in part)
    return {k: _each(v, change) for k, v in part.items()} if isinstance(part, dict) else part


def _lengthen(rows: Rows, length: int) -> Tensor:
    missing = rows.new_zeros(length - len(rows), *rows.shape[1:])
    return torch.cat([rows, missing]) if len(missing) else rows


def _as_rows(part: Any) -> Any:
    return part.as_subclass(Rows) if type(part) is Tensor and part.ndim else part

"""Weights of several predictors in one folder."""

from collections.abc import Sequence

from ..errors import InvalidModelError
from .base import AbstractPredictor


def pack_members(members: Sequence[AbstractPredictor]) -> dict[str, bytes]:
    """Return the files of all members, each name behind its member's kind."""
    return {
        f"{member.kind}-{name}": content
        for member in members
        for name, content in member._weights().items()
    }


def load_members(
    members: Sequence[AbstractPredictor], files: dict[str, bytes], n_targets: int
) -> None:
    """Hand each member the files that :func:`pack_members` made of its own.

    Raises:
        InvalidModelError: If a file is no member's, or a member refuses its own.
    """
    left = dict(files)
    for member in members:
        start = f"{member.kind}-"
        mine = [name for name in left if name.startswith(start)]
        member._load_weights({name[len(start) :]: left.pop(name) for name in mine}, n_targets)
    if left:
        msg = f"weights: expected those of the members, got {', '.join(left)} too"
        raise InvalidModelError(msg)

"""Uniform random search: the baseline of every comparison."""

from ..spaces import Architecture
from .base import AbstractSearch


class RandomSearch(AbstractSearch):
    """Draw every architecture uniformly from the representatives that are open."""

    def _propose(self) -> Architecture:
        return self.draw_open()

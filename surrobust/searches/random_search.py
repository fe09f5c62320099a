"""Uniform random search: the baseline of every comparison."""

from ..spaces import Architecture
from .several import AbstractSeveralSearch


class RandomSearch(AbstractSeveralSearch):
    """Draw every architecture uniformly from the representatives that are open."""

    def _propose(self) -> Architecture:
        return self.draw_open()

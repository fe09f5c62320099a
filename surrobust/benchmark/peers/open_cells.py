"""What peers have in common that score every open cell and take the best."""

from abc import abstractmethod
from functools import cache
from typing import ClassVar

import numpy as np

from ...spaces import Architecture, NASBench201
from ...typing import FloatArray, IntArray
from .base import AbstractAskedPeer


class AbstractOpenCellsPeer(AbstractAskedPeer):
    """A model of the measured cells that says which of the open ones is next.

    A cell is open while no cell of its function class was suggested. The first ``initial`` are
    drawn among the open cells uniformly; nothing else is random.

    Attributes:
        initial: How many cells are drawn, twice as many as a cell has edges.
    """

    initial: ClassVar[int] = 12

    def __init__(self, *, budget: int, seed: int = 0) -> None:
        super().__init__(budget=budget, seed=seed)
        self._rng = np.random.default_rng(seed)
        self._functions = function_numbers()
        self._open = np.ones(len(self._functions), dtype=bool)
        self._rows: list[int] = []
        self._values: list[float] = []

    def _suggest(self) -> Architecture:
        if not self._open.any():  # every function is known: there is nothing left to be found
            chosen = self._rows[-1]
        elif len(self._rows) < self.initial:
            chosen = int(self._rng.choice(np.flatnonzero(self._open)))
        else:
            scores = self._score(np.array(self._rows), np.array(self._values))
            chosen = int(np.argmax(np.where(self._open, scores, -np.inf)))
        self._rows.append(chosen)
        return NASBench201()[chosen]

    def _learn(self, value: float) -> None:
        self._values.append(value)
        self._open[self._functions == self._functions[self._rows[-1]]] = False

    @abstractmethod
    def _score(self, rows: IntArray, values: FloatArray) -> FloatArray:
        """Return how much each of the 15625 cells is worth measuring, ``(15625,)``.

        Args:
            rows: Indices of the measured cells, ``(n,)``.
            values: Their values, ``(n,)``, higher is better.
        """


@cache
def all_operations() -> IntArray:
    """Return the ops of all cells by index, ``(15625, 6)``."""
    return np.array([cell.ops for cell in NASBench201()])


@cache
def function_numbers() -> IntArray:
    """Return the number of each cell's function class, ``(15625,)``."""
    classes = [cell.function_class for cell in NASBench201()]
    return np.unique(classes, return_inverse=True)[1]

"""The function classes that a guided search chooses from, and how its first choices are spread."""

from collections.abc import Container, Mapping
from functools import cached_property

import numpy as np

from ..processes.groups import function_groups
from ..spaces import AbstractSearchSpace, Architecture
from ..typing import FloatArray
from .base import count_by_function

# It touches eight of the 4930 classes.
_MAX_SIZE = 200
"""Cells of one function class that count: 460 cells compute one lone op, most classes have one."""


class FunctionPool:
    """The function classes of the candidates, each at a position.

    Args:
        space: The search space.
        classes: The candidates by function class.

    Attributes:
        names: The classes.
        leads: One architecture of each class; models see these.
        taken: Positions of the classes asked for or told, in that order.
    """

    def __init__(
        self,
        space: AbstractSearchSpace[Architecture],
        classes: Mapping[str, tuple[Architecture, ...]],
    ) -> None:
        self.names = tuple(classes)
        self.leads = tuple(members[0] for members in classes.values())
        self.taken: list[int] = []
        self._position = {name: i for i, name in enumerate(self.names)}
        counts = count_by_function(type(space))
        self._sizes = np.array([min(counts[name], _MAX_SIZE) for name in self.names], float)

    def take(self, architecture: Architecture) -> None:
        """Take note that an architecture was asked for or told."""
        position = self._position.get(architecture.function_class)
        if position is not None and position not in self.taken:
            self.taken.append(position)

    def which(self, names: Container[str]) -> np.ndarray:
        """Return which classes are among ``names``, as booleans ``(n,)``."""
        return np.array([name in names for name in self.names])

    @cached_property
    def _features(self) -> FloatArray:
        """What the classes compute, ``(n, d)``, without the paths.

        Cells of other paths may behave alike; the first choices are to differ in what they do.
        """
        groups = function_groups()
        rows = groups.encode(self.leads)
        named = zip(groups.names, groups.slices, strict=True)
        return np.concatenate([rows[:, part] for name, part in named if name != "paths"], axis=1)

    def spread(self, is_open: np.ndarray, rng: np.random.Generator) -> int:
        """Draw an open class by its size times its squared distance from those taken.

        The size is the number of cells of the space that compute it, at most 200, so that the
        draw is one of cells. The distance is that of k-means++, Arthur & Vassilvitskii,
        "k-means++: The Advantages of Careful Seeding" (SODA 2007).
        """
        weights = np.where(is_open, self._sizes, 0.0)
        if self.taken:
            features = self._features
            taken = [((features - features[i]) ** 2).sum(axis=1) for i in self.taken]
            # By distance alone, and by the root of the cells, regret
            # after 50 was larger (experiments/search).
            weights = weights * np.min(taken, axis=0)
        # All that is open does what was taken already: then any will do.
        if weights.sum() == 0:
            weights = is_open.astype(np.float64)
        return int(rng.choice(len(weights), p=weights / weights.sum()))

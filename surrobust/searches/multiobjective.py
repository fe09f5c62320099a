"""What strategies for several objectives, and for constraints that are measured, promise."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .._checks import brief, check_integer
from ..errors import InvalidInputError
from ..spaces import AbstractSearchSpace, Architecture
from ..typing import FloatArray, Seed
from .base import AbstractSearch, check_value


class AbstractSeveralSearch(AbstractSearch):
    """A strategy that maximises one or several values, subject to constraints.

    With one objective and no constraint it is told a number, as every strategy is. With several
    objectives the value is a sequence of numbers. A constraint is a number that has to be at most
    0; what is known beforehand to break one is better left out of ``candidates``.

    Args:
        space: The search space.
        n_objectives: Numbers in a value.
        n_constraints: Constraints that are told with every value.
        candidates: The architectures that may be asked for; None means all of the space.
        seed: Seed or generator of every random choice.
    """

    def __init__(
        self,
        space: AbstractSearchSpace[Architecture],
        *,
        n_objectives: int = 1,
        n_constraints: int = 0,
        candidates: Iterable[Any] | None = None,
        seed: Seed = 0,
    ) -> None:
        super().__init__(space, candidates=candidates, seed=seed)
        self.n_objectives = check_integer("n_objectives", n_objectives, minimum=1)
        self.n_constraints = check_integer("n_constraints", n_constraints, minimum=0)
        self._rows: dict[Architecture, tuple[list[float], list[float]]] = {}

    def tell(self, architecture: Any, value: Any, constraints: Sequence[float] = ()) -> None:
        """Report the values of an architecture, asked for or not.

        Args:
            architecture: In any written form; it stands for its isomorphism class.
            value: A finite number, or as many as there are objectives; higher is better.
            constraints: As many finite numbers as there are constraints; kept where at most 0.

        Raises:
            InvalidArchitectureError: If it is not an architecture.
            InvalidInputError: If it was told before, or the numbers are not as expected.
        """
        cell = Architecture.parse(architecture).representative
        many = self.n_objectives > 1
        values = check_finite("value", value, self.n_objectives) if many else [check_value(value)]
        row = values, check_finite("constraints", constraints, self.n_constraints)
        self._rows.setdefault(cell, row)
        super().tell(cell, values[0])

    def _worst(self) -> tuple[Any, ...]:
        values, constraints = (np.array(part) for part in zip(*self._rows.values(), strict=True))
        worst = values.min(axis=0).tolist()
        point = worst if self.n_objectives > 1 else worst[0]
        return point, constraints.max(axis=0).tolist()

    def _told(self, cells: Sequence[Architecture]) -> FloatArray:
        """Return the values of cells that were told, ``(n, m)``."""
        return self._column_block(cells, 0, self.n_objectives)

    def _told_constraints(self, cells: Sequence[Architecture]) -> FloatArray:
        """Return the constraints of cells that were told, ``(n, c)``."""
        return self._column_block(cells, 1, self.n_constraints)

    def _column_block(self, cells: Sequence[Architecture], part: int, width: int) -> FloatArray:
        block = [self._rows[cell][part] for cell in cells]
        return np.array(block, dtype=np.float64).reshape(len(cells), width)


def total_violations(constraints: FloatArray) -> FloatArray:
    """Return by how much each row breaks its constraints in all, ``(n,)``; 0 where it keeps them.

    Constraints may be in different units: each is taken as a share of its largest violation.

    Args:
        constraints: ``(n, c)``; kept where at most 0.
    """
    excess = np.maximum(constraints, 0.0)
    largest = np.max(excess, axis=0, initial=0.0)
    return np.asarray((excess / np.where(largest > 0, largest, 1.0)).sum(axis=1))


def check_finite(name: str, given: Any, n: int) -> list[float]:
    """Return ``n`` finite numbers.

    Raises:
        InvalidInputError: If what is given is anything else.
    """
    try:
        numbers = [] if isinstance(given, str | bytes) else list(given)
    except TypeError:
        numbers = []
    if len(numbers) != n:
        msg = f"{name}: expected {n} finite numbers, got {brief(given)}"
        raise InvalidInputError(msg)
    return [check_value(number) for number in numbers]

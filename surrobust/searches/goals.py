"""What a search is after: objectives with their directions, and bounds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._checks import brief
from ..errors import InvalidInputError
from ..metrics import non_dominated
from ..spaces import Architecture
from ..targets import is_known_beforehand, is_maximised
from ..typing import FloatArray
from .base import AbstractSearch, Evaluation, check_value
from .failures import why_failed
from .multiobjective import AbstractSeveralSearch, check_finite

DIRECTIONS = ("maximize", "minimize")
"""As Optuna writes them."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The most or the least that a quantity may be.

    Args:
        quantity: A target key, ``params`` or ``flops``.
        limit: The bound itself is allowed.
        is_upper: Whether it is the most; else the least.
    """

    quantity: str
    limit: float
    is_upper: bool

    @property
    def is_known(self) -> bool:
        """Whether an architecture is known to keep it before anything is measured."""
        return is_known_beforehand(self.quantity)

    def excess(self, number: float) -> float:
        """Return by how much a number breaks the bound, at most 0 where it keeps it."""
        return number - self.limit if self.is_upper else self.limit - number

    def __str__(self) -> str:
        return f"{self.quantity} {'<=' if self.is_upper else '>='} {self.limit:g}"


@dataclass(frozen=True, slots=True)
class Goals:
    """What the numbers of an evaluation are for.

    Args:
        maximised: For each objective, whether higher values are better.
        bounds: What an architecture has to keep.
        n_others: How many constraints there are beside the bounds; the caller tells them.
    """

    maximised: tuple[bool, ...] = (True,)
    bounds: tuple[Bound, ...] = ()
    n_others: int = 0

    @property
    def n_constraints(self) -> int:
        """How many bounds are on what has to be measured, with the other constraints."""
        return sum(not bound.is_known for bound in self.bounds) + self.n_others

    @property
    def are_several(self) -> bool:
        """Whether a strategy has to know more than one number of an evaluation."""
        return len(self.maximised) > 1 or self.n_constraints > 0

    def read(self, given: Any, architecture: Architecture, trial: int, source: str) -> Evaluation:
        """Return the evaluation out of what was measured; a failed one where a value is missing.

        Args:
            given: A number; or the values of the objectives, then the quantities that have bounds.
                None, NaN and infinity say that there is none, as a ``Failure`` does.
            architecture: What was measured.
            trial: Its number.
            source: Where the numbers are from.

        Raises:
            InvalidInputError: If it is not as many numbers; the message names the architecture.
        """
        m, b = len(self.maximised), len(self.bounds)
        reason = why_failed(given, m + b)
        if reason:
            return Evaluation(architecture, math.nan, trial, source, error=reason)
        try:
            if m + b == 1:
                return Evaluation(architecture, check_value(given), trial, source)
            numbers = tuple(check_finite("value", given, m + b))
        except InvalidInputError as error:
            msg = f"{error} for {architecture.code} (trial {trial})"
            raise InvalidInputError(msg) from None
        values = numbers[:m] if m > 1 else ()
        return Evaluation(architecture, numbers[0], trial, source, values, numbers[m:])

    def tell(self, search: AbstractSearch, evaluation: Evaluation) -> None:
        """Tell a strategy of an evaluation, with every objective maximised."""
        if evaluation.failed:
            search.tell_failed(evaluation.architecture)
            return
        point = self.points([evaluation])[0].tolist()
        if not isinstance(search, AbstractSeveralSearch):
            search.tell(evaluation.architecture, point[0])
            return
        pairs = zip(self.bounds, evaluation.bounded, strict=True)
        excesses = [bound.excess(number) for bound, number in pairs if not bound.is_known]
        value = point if len(point) > 1 else point[0]
        search.tell(evaluation.architecture, value, excesses)

    def points(self, evaluations: Sequence[Evaluation]) -> FloatArray:
        """Return the evaluations' values ``(n, m)``, times -1 where lower ones are better."""
        values = [e.values or (e.value,) for e in evaluations]
        array = np.array(values, dtype=np.float64).reshape(len(values), len(self.maximised))
        return array * np.where(self.maximised, 1.0, -1.0)

    def keeping(self, evaluations: Sequence[Evaluation]) -> list[Evaluation]:
        """Return the evaluations that keep all bounds; those that failed keep none."""
        return [e for e in evaluations if self._keeps(e)]

    def front(self, evaluations: Sequence[Evaluation]) -> list[Evaluation]:
        """Return those that keep all bounds and are not dominated, best first objective first.

        Of equals the earlier comes first.
        """
        keeping = self.keeping(evaluations)
        points = self.points(keeping)
        best = np.flatnonzero(non_dominated(points))
        return [keeping[i] for i in sorted(best, key=lambda i: -points[i, 0])]

    def _keeps(self, evaluation: Evaluation) -> bool:
        if evaluation.failed:
            return False
        pairs = zip(self.bounds, evaluation.bounded, strict=True)
        return all(bound.excess(number) <= 0 for bound, number in pairs)


def directions_of(quantities: Sequence[str]) -> tuple[str, ...]:
    """Return ``maximize`` for accuracies and ``minimize`` for costs."""
    return tuple(DIRECTIONS[0 if is_maximised(one) else 1] for one in quantities)


def check_directions(directions: Any) -> tuple[str, ...]:
    """Return directions as Optuna writes them.

    Raises:
        InvalidInputError: If they are others, or none.
    """
    given = tuple(directions) if isinstance(directions, list | tuple) else ()
    if not given or any(one not in DIRECTIONS for one in given):
        msg = f"directions: expected a list of maximize and minimize, got {brief(directions)}"
        raise InvalidInputError(msg)
    return given

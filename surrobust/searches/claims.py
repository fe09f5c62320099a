"""What the claims of several workers are worth.

A *claim* is made with its architecture in one step, and its number is its place in the order that
all workers see. From the claims alone follows what each of them is worth (:func:`settle`): the
first admissible architectures, as many as the budget allows, are the *slots* of the search; a
later claim of the same architecture counts only if the earlier ones were released. So nothing is
measured twice, whoever is killed and whenever.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..spaces import Architecture
from .base import Evaluation


@dataclass(frozen=True, slots=True)
class Claim:
    """One worker's claim of an architecture.

    Args:
        number: Its place in the order of all claims.
        trial_id: Optuna's key of the trial.
        architecture: A representative.
        open: Whether its value is awaited.
        value: What was measured; None if there is none.
        worker: Who measures it.
        beat: How often the worker has said that it is alive.
        error: Why measuring failed; None if it did not.
    """

    number: int
    trial_id: int
    architecture: Architecture
    open: bool
    value: float | None
    worker: str
    beat: int
    error: str | None = None

    @property
    def released(self) -> bool:
        """Whether it has ended and nothing is known, so that others may claim the same."""
        return not self.open and self.value is None and self.error is None


@dataclass(frozen=True, slots=True)
class Slot:
    """One architecture of the budget, with the claim that is measuring or has measured it."""

    architecture: Architecture
    holder: Claim | None


def settle(claims: Iterable[Claim], *, budget: int, n_functions: int) -> list[Slot]:
    """Return the slots that follow from the claims.

    Args:
        claims: In the order of their numbers.
        budget: Slots at most.
        n_functions: Function classes of the space; a class is admitted twice after all of them.
    """
    holders: dict[Architecture, Claim | None] = {}
    functions: set[str] = set()
    for claim in claims:
        cell = claim.architecture
        if cell not in holders:
            is_twin = cell.function_class in functions and len(functions) < n_functions
            if is_twin or len(holders) >= budget:
                continue
            holders[cell] = None
            functions.add(cell.function_class)
        if holders[cell] is None and not claim.released:
            holders[cell] = claim
    return [Slot(cell, holder) for cell, holder in holders.items()]


def evaluations_of(slots: Sequence[Slot], source: str) -> tuple[Evaluation, ...]:
    """Return what is measured or has failed so far, in the order in which it was first claimed."""
    holders = [slot.holder for slot in slots if slot.holder is not None and not slot.holder.open]
    return tuple(
        Evaluation(
            holder.architecture,
            math.nan if holder.value is None else holder.value,
            trial,
            source,
            error=holder.error or "",
        )
        for trial, holder in enumerate(holders)
    )

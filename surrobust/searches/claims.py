"""What the claims of several workers are worth.

A *claim* is made with its architecture in one step, and its number is its place in the order that
all workers see. From the claims alone follows what each of them is worth (:func:`settle`): the
first admissible architectures, as many as the budget allows, are the *slots* of the search; a
later claim of the same architecture counts only if the earlier ones have failed. So nothing is
measured twice, whoever is killed and whenever.
"""

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
        value: What was measured; None if it is awaited or has failed.
        worker: Who measures it.
        beat: How often the worker has said that it is alive.
    """

    number: int
    trial_id: int
    architecture: Architecture
    open: bool
    value: float | None
    worker: str
    beat: int

    @property
    def failed(self) -> bool:
        """Whether it has ended without a value."""
        return not self.open and self.value is None


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
        if holders[cell] is None and not claim.failed:
            holders[cell] = claim
    return [Slot(cell, holder) for cell, holder in holders.items()]


def evaluations_of(slots: Sequence[Slot], source: str) -> tuple[Evaluation, ...]:
    """Return what is measured so far, in the order in which it was first claimed."""
    done = [(s.architecture, s.holder.value) for s in slots if s.holder is not None]
    measured = [(cell, value) for cell, value in done if value is not None]
    return tuple(Evaluation(cell, value, i, source) for i, (cell, value) in enumerate(measured))

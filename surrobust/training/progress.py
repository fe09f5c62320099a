"""What is told while a network is trained."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Projection:
    """How long a training will take, after some of its steps.

    Args:
        seconds: From where it began, or was gone on with, to its end.
        left: Of them from now on.
        step: Mean seconds of a step.
    """

    seconds: float
    left: float
    step: float


@dataclass(frozen=True, slots=True)
class EpochEnd:
    """What is known after an epoch.

    Args:
        epoch: Epochs done.
        epochs: Epochs in all.
        loss: Mean training loss of the epoch.
        seconds: Spent so far.
    """

    epoch: int
    epochs: int
    loss: float
    seconds: float


Event: TypeAlias = Projection | EpochEnd
"""What may be told: a projection after the first steps, then each epoch's end."""

"""What is told while a network is trained."""

from dataclasses import dataclass


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

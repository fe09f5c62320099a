"""Learning rate and momentum by step."""

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from .._checks import brief, check_choice
from ..errors import InvalidInputError
from ..typing import FloatArray


class Schedule(Protocol):
    """What says how learning rate and momentum change over a training of any length."""

    kind: ClassVar[str]
    """Its name in documents."""

    def values(self, steps: int, epochs: int = 1) -> FloatArray:
        """Return learning rate and momentum of each step, shape ``(steps, 2)``.

        Args:
            steps: Of the whole training.
            epochs: Of as many steps each; for what changes with epochs alone.
        """


@dataclass(frozen=True, slots=True)
class OneCycle:
    """One cycle up and down, by the cosine; momentum goes the other way.

    Smith & Topin, "Super-convergence: very fast training of neural networks using large learning
    rates" (2018, arXiv 1708.07120). With the defaults this is torch's ``OneCycleLR`` of
    ``max_lr=0.1`` with all its defaults, which is what NAS-RobBench-201's networks were trained
    with: the learning rate goes from .004 to .1 in the first 30 % of the steps, then to 4e-7, the
    momentum from .95 to .85 and back.

    Args:
        peak: Highest learning rate.
        warm_up: Share of the steps until the peak.
        start: The first learning rate is the peak divided by this.
        end: The last learning rate is the first divided by this.
        momentum: Lowest and highest.
    """

    kind: ClassVar[str] = "one-cycle"
    peak: float = 0.1
    warm_up: float = 0.3
    start: float = 25.0
    end: float = 1e4
    momentum: tuple[float, float] = (0.85, 0.95)

    def values(self, steps: int, epochs: int = 1) -> FloatArray:
        """Return learning rate and momentum of each step, shape ``(steps, 2)``."""
        del epochs
        first = self.peak / self.start
        low, high = self.momentum
        # As in torch: up until step .3 n - 1, whole or not, and from there down until n - 1.
        top = self.warm_up * steps - 1
        step = np.arange(steps, dtype=np.float64)
        up = step <= top
        # Where all of it is warm-up, or none, one of the two shares is not used.
        share = np.where(up, step / max(top, 1e-12), (step - top) / max(steps - 1 - top, 1e-12))
        falling = (1 + np.cos(math.pi * share)) / 2
        rate = np.where(
            up,
            self.peak + (first - self.peak) * falling,
            first / self.end + (self.peak - first / self.end) * falling,
        )
        momentum = np.where(up, low + (high - low) * falling, high + (low - high) * falling)
        return np.column_stack([rate, momentum])


@dataclass(frozen=True, slots=True)
class MultiStep:
    """A rate that falls at some marks, as torch's ``MultiStepLR``.

    Args:
        rate: The first learning rate.
        marks: After which shares of the steps it falls; .495 is epoch 99 of 200.
            A mark between two steps counts as the nearest.
        factor: What it is multiplied by there.
        momentum: Of every step.

    Raises:
        InvalidInputError: If a mark is not within 0 and 1.
    """

    kind: ClassVar[str] = "multi-step"
    rate: float = 0.1
    marks: tuple[float, ...] = (0.5, 0.75)
    factor: float = 0.1
    momentum: float = 0.9

    def __post_init__(self) -> None:
        if not all(0 <= mark <= 1 for mark in self.marks):
            msg = f"marks: expected shares of the steps between 0 and 1, got {brief(self.marks)}"
            raise InvalidInputError(msg)

    def values(self, steps: int, epochs: int = 1) -> FloatArray:
        """Return learning rate and momentum of each step, shape ``(steps, 2)``."""
        del epochs
        # Shares such as 99 / 200 are no exact floats.
        falls = np.rint(np.array(self.marks, dtype=np.float64) * steps)
        passed = (np.arange(steps)[:, None] >= falls).sum(axis=1)
        return np.column_stack([self.rate * self.factor**passed, np.full(steps, self.momentum)])


@dataclass(frozen=True, slots=True)
class Cosine:
    """A rate that falls from one value to another by half a cosine.

    Loshchilov & Hutter, "SGDR: stochastic gradient descent with warm restarts" (ICLR 2017, arXiv
    1608.03983), equation 5, without restarts.

    Args:
        rate: The first learning rate.
        end: What it falls to; the last step, or epoch, is one short of it.
        momentum: Of every step.
        by: ``step``: the rate falls with every step; ``epoch``: with every epoch, as in DARTS and
            NAS-Bench-201.

    Raises:
        InvalidInputError: If ``by`` is neither.
    """

    kind: ClassVar[str] = "cosine"
    rate: float = 0.025
    end: float = 0.0
    momentum: float = 0.9
    by: str = "step"

    def __post_init__(self) -> None:
        check_choice("by", self.by, ("step", "epoch"))

    def values(self, steps: int, epochs: int = 1) -> FloatArray:
        """Return learning rate and momentum of each step, shape ``(steps, 2)``."""
        parts = steps if self.by == "step" else epochs
        # Whole parts first: by epochs, all steps of one have the share of those done before it.
        passed = np.arange(steps) * parts // steps / parts
        falling = (1 + np.cos(math.pi * passed)) / 2
        rate = self.end + (self.rate - self.end) * falling
        return np.column_stack([rate, np.full(steps, self.momentum)])

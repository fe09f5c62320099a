"""Learning rate and momentum by step."""

import math
from dataclasses import dataclass

import numpy as np

from ..typing import FloatArray


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

    peak: float = 0.1
    warm_up: float = 0.3
    start: float = 25.0
    end: float = 1e4
    momentum: tuple[float, float] = (0.85, 0.95)

    def values(self, steps: int) -> FloatArray:
        """Return learning rate and momentum of each step, shape ``(steps, 2)``."""
        first = self.peak / self.start
        low, high = self.momentum
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

"""How fast a training is, whether it will be done in time, and what is told of it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import torch

from ..errors import InvalidInputError


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

_FIRST, _MEASURED = 10, 50
"""Steps from which on, and until which, the pace is measured: the first ones prepare much."""


class Pace:
    """Measures steps, and projects what is left.

    Args:
        device: Where steps are taken.
        limit: Seconds that the training may take from now on; None is any number.
    """

    _apart: ClassVar[float] = 0.0
    """Seconds kept out of the pace, of all trainings: side by side, each waits for the others."""

    def __init__(self, device: torch.device, limit: float | None) -> None:
        self._device, self._limit = device, limit
        self._steps, self._began, self._measured_from = 0, time.perf_counter(), 0.0

    def count(self, left: int) -> Projection | None:
        """Count a step; return a projection after the fiftieth.

        Args:
            left: Steps that are to come.

        Raises:
            InvalidInputError: If the limit cannot be kept.
        """
        self._steps += 1
        if self._steps == _FIRST:
            # The host is ahead of a GPU: without waiting, launches would be timed and not steps.
            self._wait()
            # So that only what is kept apart from now on is subtracted in ``project``.
            self._measured_from = time.perf_counter() - Pace._apart
        if self._steps != _MEASURED:
            return None
        self._wait()
        return self.project(left)

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Keep what is done inside out of the seconds of a step; it is spent nevertheless.

        For what is done once and not by each step: the last batch of the first epoch, which is
        smaller, has a step of its own to prepare, and no later epoch has.
        """
        self._wait()  # steps that are under way are part of the pace
        began = time.perf_counter()
        yield
        self._wait()
        Pace._apart += time.perf_counter() - began

    def project(self, left: int) -> Projection | None:
        """Return what is to be expected where nothing is left to wait for; None before it is known.

        Args:
            left: Steps that are to come.

        Raises:
            InvalidInputError: If the limit cannot be kept.
        """
        if self._steps < _MEASURED:
            return None
        now = time.perf_counter()
        step = (now - Pace._apart - self._measured_from) / (self._steps - _FIRST)
        spent, coming = now - self._began, left * step
        # Of a training that is done all is spent already: there is nothing to save.
        if self._limit is not None and spent + coming > self._limit and left:
            msg = (
                f"time_limit: expected at least {spent + coming:.1f} s for this training, at "
                f"{1e3 * step:.1f} ms a step on {self._device}, got {self._limit:g}; it stopped "
                f"after {self._steps} steps"
            )
            raise InvalidInputError(msg)
        return Projection(spent + coming, coming, step)

    def _wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.current_stream(self._device).synchronize()

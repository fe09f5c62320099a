"""Several trainings at a time on one device."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch

from .loop import Training
from .pace import Event

TrainingReport = Callable[[int, Event], None]
"""Called with a training's place in the list and what is to be told of it."""


def train_together(
    trainings: Sequence[Training], report: TrainingReport | None = None
) -> list[FloatingPointError | None]:
    """Train networks side by side, each with the result that it would have alone.

    They take their steps in turn. On CUDA each has a stream of its own, so that small networks,
    none of which fills the GPU, run at the same time; on a CPU this only interleaves them.

    Args:
        trainings: What is trained.
        report: Called after the first steps of each and after each epoch.

    Returns:
        For each of them, why it failed; None if it did not.
    """
    failures: list[FloatingPointError | None] = [None] * len(trainings)
    places = [_place(training) for training in trainings]
    running = {number: training.course() for number, training in enumerate(trainings)}
    while running:
        for number in list(running):
            with places[number]():
                try:
                    event = next(running[number])
                except StopIteration:
                    del running[number]
                except FloatingPointError as error:
                    failures[number] = error
                    del running[number]
                else:
                    if event is not None and report is not None:
                        report(number, event)
    for training in trainings:
        if training.device.type == "cuda":
            torch.cuda.synchronize(training.device)
    return failures


def _place(training: Training) -> Callable[[], AbstractContextManager[object]]:
    """Return what a training's steps are taken in: a stream of its own where there are any."""
    if training.device.type != "cuda":
        return nullcontext
    stream = torch.cuda.Stream(training.device)
    stream.wait_stream(torch.cuda.current_stream(training.device))
    return lambda: torch.cuda.stream(stream)

"""A training step as one CUDA graph: launched at once instead of kernel by kernel.

Optional, and guarded: a graph that cannot be captured, or whose first replay does not give the
loss of the step itself, is not used. Not yet run on a GPU.
"""

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

Step = Callable[..., Tensor]
"""From a batch's tensors to its loss; changes weights in place and never waits for the host."""

logger = logging.getLogger(__name__)

_WARM_UP = 3
_TOLERANCE = 0.05


class CapturedStep:
    """A step that is replayed from a graph.

    Args:
        step: What is captured.
        inputs: A batch of the size that all later ones have.
        rewind: Undoes what steps have changed.
    """

    def __init__(self, step: Step, inputs: Sequence[Tensor], rewind: Callable[[], None]) -> None:
        self._inputs = [tensor.clone() for tensor in inputs]
        self._graph = torch.cuda.CUDAGraph()
        with _aside(inputs[0].device) as stream:
            for _ in range(_WARM_UP):
                step(*self._inputs)
            rewind()
            with torch.cuda.graph(self._graph, stream=stream):
                self._loss = step(*self._inputs)

    def __call__(self, *inputs: Tensor) -> Tensor:
        """Take the step on other values of the same shapes; return its loss."""
        for own, new in zip(self._inputs, inputs, strict=True):
            own.copy_(new)
        self._graph.replay()
        return self._loss


def try_capture(
    step: Step,
    inputs: Sequence[Tensor],
    rewind: Callable[[], None],
    capture: Callable[[Step, Sequence[Tensor], Callable[[], None]], Step] = CapturedStep,
) -> Step:
    """Return the captured step if that works, else the step itself, which is logged.

    Args:
        step: See :class:`CapturedStep`.
        inputs: See there.
        rewind: See there; what the trial steps change is undone.
        capture: What captures.
    """
    expected = float(step(*inputs))
    rewind()
    try:
        captured = capture(step, inputs, rewind)
        found = float(captured(*inputs))
    except RuntimeError as error:
        told = next(iter(str(error).splitlines()), type(error).__name__)
        logger.warning("training: no CUDA graph is used: %s", told)
        captured, found = step, expected
    rewind()
    if not math.isclose(found, expected, rel_tol=_TOLERANCE):
        logger.warning("training: no CUDA graph is used: loss %g, not %g", found, expected)
        captured = step
    return captured


@contextmanager
def _aside(device: torch.device) -> Iterator[torch.cuda.Stream]:
    """Give a stream of a device that can be captured, and go back to the present one afterwards.

    That is the present one itself if it is not the default stream: what a graph keeps for its
    stream, such as the workspace of matrix products, must not be another graph's that is replayed
    at the same time. ``torch.cuda.graph`` alone neither takes the tensors' device nor goes back
    where a capture fails.
    """
    with torch.cuda.device(device):
        present = torch.cuda.current_stream()
        is_default = present == torch.cuda.default_stream()
        stream = torch.cuda.Stream() if is_default else present
        stream.wait_stream(present)
        try:
            with torch.cuda.stream(stream):
                yield stream
        finally:
            present.wait_stream(stream)

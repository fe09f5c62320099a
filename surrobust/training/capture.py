"""A training step as one CUDA graph: launched at once instead of kernel by kernel.

Optional, and guarded: a graph that cannot be captured, or whose first replay does not give the
loss of the step itself, is not used. Not yet run on a GPU.
"""

import logging
import math
from collections.abc import Callable, Sequence

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
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(_WARM_UP):
                step(*self._inputs)
        torch.cuda.current_stream().wait_stream(aside)
        rewind()
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
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
        logger.warning("training: no CUDA graph is used: %s", str(error).splitlines()[0])
        captured, found = step, expected
    rewind()
    if not math.isclose(found, expected, rel_tol=_TOLERANCE):
        logger.warning("training: no CUDA graph is used: loss %g, not %g", found, expected)
        captured = step
    return captured

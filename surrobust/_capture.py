"""A function of tensors as one CUDA graph: launched at once instead of kernel by kernel.

Guarded: a graph that cannot be captured, or whose first replay does not give what the function
itself gives, is not used, which is logged.
"""

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")
"""A tensor or several."""

logger = logging.getLogger(__name__)

# As torch.cuda.make_graphed_callables: libraries load, and memory is had, in calls that
# are not captured.
_WARM_UP = 3
# Wide, for cuDNN may take another algorithm, whose sums in half precision round otherwise;
# a graph that reads other memory is off by more than that.
_TOLERANCE = 0.05


class CapturedStep(Generic[T]):
    """A function that is replayed from a graph.

    Args:
        step: What is captured; changes tensors in place and never waits for the host.
        inputs: Tensors of the shapes that all later ones have.
        rewind: Undoes what calls have changed.
    """

    def __init__(
        self, step: Callable[..., T], inputs: Sequence[Tensor], rewind: Callable[[], None]
    ) -> None:
        self._inputs = [tensor.clone() for tensor in inputs]
        self._graph = torch.cuda.CUDAGraph()
        with _aside(inputs[0].device) as stream:
            for _ in range(_WARM_UP):
                step(*self._inputs)
            rewind()
            with torch.cuda.graph(self._graph, stream=stream):
                self._found = step(*self._inputs)

    def __call__(self, *inputs: Tensor) -> T:
        """Replay on other values of the same shapes; the next call overwrites what is returned."""
        # A graph reads the addresses that it was captured with: new values are brought there.
        for own, new in zip(self._inputs, inputs, strict=True):
            own.copy_(new)
        self._graph.replay()
        return self._found


def try_capture(
    step: Callable[..., T],
    inputs: Sequence[Tensor],
    rewind: Callable[[], None],
    *,
    name: str,
    capture: Callable[..., Callable[..., T]] = CapturedStep,
) -> Callable[..., T]:
    """Return the captured function if that works, else the function itself.

    Args:
        step: See :class:`CapturedStep`; what it returns first has a mean that tells whether it
            computed the same.
        inputs: See there.
        rewind: See there; what the trial calls change is undone.
        name: Of what is captured, for messages.
        capture: What captures.
    """
    expected = _mean(step(*inputs))
    rewind()
    try:
        captured = capture(step, inputs, rewind)
        found = _mean(captured(*inputs))
    except RuntimeError as error:  # torch's OutOfMemoryError is one
        told = next(iter(str(error).splitlines()), type(error).__name__)
        logger.warning("%s: no CUDA graph is used: %s", name, told)
        captured, found = step, expected
    rewind()
    # NaN is close to nothing: a step that diverges on the trial goes on without a graph.
    if not math.isclose(found, expected, rel_tol=_TOLERANCE):
        logger.warning("%s: no CUDA graph is used: mean %g, not %g", name, found, expected)
        captured = step
    return captured


def _mean(found: Any) -> float:
    return float((found if isinstance(found, Tensor) else found[0]).mean())


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
        # What was begun before is done first, and below: nobody goes on before this is done.
        stream.wait_stream(present)
        try:
            with torch.cuda.stream(stream):
                yield stream
        finally:
            present.wait_stream(stream)

"""As much of ``torch.cuda`` as capturing needs, on a CPU: streams that do nothing, real graphs.

A graph records tensor operations below autograd and replays them into the memory that they wrote
to, and nothing that it recorded is in effect before. What CUDA does not permit while capturing is
refused: to read a number, to let the data decide on a shape, to draw at random.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

REFUSED = (
    *("_local_scalar_dense", "item", "equal", "is_nonzero"),
    *("nonzero", "masked_select", "unique", "bincount", "repeat_interleave"),
    *("uniform_", "normal_", "bernoulli", "rand", "randn", "randint", "randperm", "multinomial"),
)


class Stream:
    """A stream that can be told from others."""

    def wait_stream(self, other: "Stream") -> None:
        assert isinstance(other, Stream)


class Graph(TorchDispatchMode):
    """What takes the place of ``torch.cuda.CUDAGraph``."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, Any, Any, Any]] = []
        self.kept: dict[int, tuple[Any, Any]] = {}
        self.made: set[int] = set()
        self.replays = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.__name__.split(".")[0]
        mask = name.startswith("index") and any(t.dtype == torch.bool for t in _tensors(args[1:2]))
        if name in REFUSED or mask:
            msg = f"operation not permitted when stream is capturing: {name}"
            raise RuntimeError(msg)
        for tensor in _tensors((args, kwargs)):
            storage = tensor.untyped_storage()
            place = storage.data_ptr()
            if place not in self.made and place not in self.kept:
                self.kept[place] = (storage, storage.clone())
        out = func(*args, **(kwargs or {}))
        self.calls.append((func, args, kwargs or {}, out))
        self.made |= {t.untyped_storage().data_ptr() for t in _tensors(out)} - set(self.kept)
        return out

    def undo(self) -> None:
        """Take back what was done while recording."""
        for storage, content in self.kept.values():
            storage.copy_(content)

    @torch.no_grad()
    def replay(self) -> None:
        self.replays += 1
        for func, args, kwargs, out in self.calls:
            found = func(*args, **kwargs)
            for old, new in zip(_tensors(out), _tensors(found), strict=True):
                if old.untyped_storage().data_ptr() != new.untyped_storage().data_ptr():
                    old.copy_(new)


def _tensors(value: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(value) if isinstance(leaf, Tensor)]


class PretendedCuda:
    """The functions of ``torch.cuda``.

    Attributes:
        present: The current stream.
        default: The default stream.
        captured_on: The stream of each capture.
        devices: What ``torch.cuda.device`` was entered with.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.default = self.present = Stream()
        self.captured_on: list[Stream] = []
        self.devices: list[torch.device] = []
        for name, value in {
            "CUDAGraph": Graph,
            "Stream": Stream,
            "current_stream": lambda: self.present,
            "default_stream": lambda: self.default,
            "device": self.device,
            "graph": self.graph,
            "stream": self.stream,
        }.items():
            monkeypatch.setattr(torch.cuda, name, value)

    @contextmanager
    def device(self, device: torch.device) -> Iterator[None]:
        self.devices.append(device)
        yield

    @contextmanager
    def stream(self, stream: Stream) -> Iterator[None]:
        before, self.present = self.present, stream
        try:
            yield
        finally:
            self.present = before

    @contextmanager
    def graph(self, graph: Graph, stream: Stream) -> Iterator[None]:
        assert stream is not self.default  # CUDA cannot capture it
        before, self.present = self.present, stream
        self.captured_on.append(stream)
        with graph:
            yield
        graph.undo()
        self.present = before  # as torch does: not where capturing failed

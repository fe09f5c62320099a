"""A function as a CUDA graph, on a CPU that pretends to be a GPU; on a GPU see test_gpu.py."""

import logging

import pytest
import torch
from pretended_cuda import PretendedCuda

from surrobust._capture import try_capture


@pytest.fixture
def cuda(monkeypatch) -> PretendedCuda:
    return PretendedCuda(monkeypatch)


class Counter:
    """A step that counts, and can be rewound."""

    def __init__(self) -> None:
        self.value = 0.0

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        self.value += float(x)
        return torch.tensor(self.value)

    def rewind(self) -> None:
        self.value = 0.0


def test_a_captured_step_that_agrees_is_used():
    step = Counter()
    captured = try_capture(
        step,
        [torch.ones(())],
        step.rewind,
        name="it",
        capture=lambda step, *_: lambda x: step(x) * 1.0,
    )
    assert captured is not step
    assert step.value == 0.0


@pytest.mark.parametrize("fails", [True, False])
def test_a_step_that_cannot_be_captured_or_differs_is_not(fails, caplog):
    def capture(step, inputs, rewind):
        if fails:
            msg = "operation not permitted when stream is capturing\nmore lines"
            raise RuntimeError(msg)
        return lambda x: step(x) * 2

    step = Counter()
    with caplog.at_level(logging.WARNING):
        assert try_capture(step, [torch.ones(())], step.rewind, name="it", capture=capture) is step
    assert "no CUDA graph is used" in caplog.text
    assert step.value == 0.0


def test_what_cannot_be_captured_leaves_stream_and_values(cuda, caplog):
    weight = torch.ones(3)

    def step(x: torch.Tensor) -> torch.Tensor:
        weight.add_(x)
        if float(weight.sum()) > 1e9:  # waits for the host
            weight.zero_()
        return weight.sum()

    inputs = [torch.ones(3)]
    with caplog.at_level(logging.WARNING):
        assert try_capture(step, inputs, lambda: weight.fill_(1), name="it") is step
    assert "it: no CUDA graph is used: operation not permitted" in caplog.text
    assert weight.tolist() == [1, 1, 1]
    assert cuda.present is cuda.default
    assert cuda.devices == [inputs[0].device]


def test_an_error_without_words_is_told_by_its_kind(caplog):
    def capture(*_):
        raise RuntimeError

    with caplog.at_level(logging.WARNING):
        try_capture(lambda x: x.sum(), [torch.ones(2)], lambda: None, name="it", capture=capture)
    assert "no CUDA graph is used: RuntimeError" in caplog.text

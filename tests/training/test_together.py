"""Several networks at a time, and steps that are captured."""

import logging

import numpy as np
import pytest
import torch

from surrobust._capture import try_capture
from surrobust.spaces import Architecture
from surrobust.training import RECIPES, Training, train_together

CELLS = [Architecture.parse(code) for code in ("323133", "111111", "222222")]


def test_side_by_side_they_become_what_they_become_alone(few_digits, tiny):
    recipe = tiny.with_(epochs=2)
    alone = [Training(cell, few_digits, recipe, device="cpu") for cell in CELLS]
    for training in alone:
        training.run()
    together = [Training(cell, few_digits, recipe, device="cpu") for cell in CELLS]
    told: list[tuple[int, int]] = []
    failures = train_together(together, lambda number, end: told.append((number, end.epoch)))
    assert failures == [None, None, None]
    assert told == [(0, 1), (1, 1), (2, 1), (0, 2), (1, 2), (2, 2)]
    for one, other in zip(alone, together, strict=True):
        weights = zip(one.network.parameters(), other.network.parameters(), strict=True)
        assert all(torch.equal(a, b) for a, b in weights)


def test_one_that_fails_does_not_stop_the_others(few_digits, tiny):
    recipe = tiny.with_(epochs=1)
    trainings = [Training(cell, few_digits, recipe, device="cpu") for cell in CELLS[:2]]
    with torch.no_grad():
        trainings[0].network.head.linear.bias.fill_(float("nan"))
    first, second = train_together(trainings)
    assert isinstance(first, FloatingPointError)
    assert second is None
    assert (trainings[0].epoch, trainings[1].epoch) == (0, 1)


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
        step, [torch.ones(())], step.rewind, lambda step, *_: lambda x: step(x) * 1.0
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
        assert try_capture(step, [torch.ones(())], step.rewind, capture) is step
    assert "no CUDA graph is used" in caplog.text
    assert step.value == 0.0


def test_nothing_is_captured_on_a_cpu(few_digits):
    recipe = RECIPES["smoke"].with_(epochs=1, channels=2, cells=1)
    training = Training(CELLS[0], few_digits, recipe, device="cpu", captured=True)
    training.run()
    assert np.isfinite(training.losses).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", ["robbench201", "fast", "trades"])
def test_captured_steps_learn_as_others_do(name, few_digits):
    recipe = RECIPES[name].with_(epochs=2, channels=8, cells=1)
    losses = []
    for captured in (False, True):
        training = Training(CELLS[0], few_digits, recipe, device="cuda", captured=captured)
        training.run()
        losses.append(training.losses)
    np.testing.assert_allclose(losses[0], losses[1], rtol=0.02)

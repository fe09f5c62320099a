"""Several networks at a time."""

import numpy as np
import torch

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


def test_nothing_is_captured_on_a_cpu(few_digits):
    recipe = RECIPES["smoke"].with_(epochs=1, channels=2, cells=1)
    training = Training(CELLS[0], few_digits, recipe, device="cpu", captured=True)
    training.run()
    assert np.isfinite(training.losses).all()

"""How long a training will take: told, and refused where there is no time for it."""

import pytest
import torch

from surrobust.errors import InvalidInputError
from surrobust.spaces import Architecture
from surrobust.training import EpochEnd, Projection, Training, pace, train_together
from surrobust.training.pace import Pace

CELL = Architecture.parse("323133")


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(pace.time, "perf_counter", lambda: self.now)


def test_the_first_steps_do_not_count(monkeypatch):
    clock = Clock(monkeypatch)
    found = Pace(torch.device("cpu"), None)
    told = []
    for step in range(1, 61):
        clock.now += 5.0 if step <= 10 else 0.1  # the first ones capture and compile
        told.append(found.count(left=1000 - step))
    projection = told[49]
    assert [one for one in told if one is not None] == [projection]
    assert projection.step == pytest.approx(0.1)
    assert projection.left == pytest.approx(95.0)
    assert projection.seconds == pytest.approx(50 + 40 * 0.1 + 95)


def test_a_limit_that_cannot_be_kept_ends_it(monkeypatch):
    clock = Clock(monkeypatch)
    for limit, ends in ((149.5, False), (148.5, True)):
        found = Pace(torch.device("cpu"), limit)
        for step in range(1, 50):
            clock.now += 5.0 if step <= 10 else 0.1
            found.count(left=1000 - step)
        clock.now += 0.1
        if ends:
            message = r"time_limit: expected at least 149.0 s .* 100.0 ms a step on cpu, got 148.5"
            with pytest.raises(InvalidInputError, match=message):
                found.count(left=950)
        else:
            assert found.count(left=950) is not None


def test_a_training_that_is_done_is_never_too_late(monkeypatch):
    clock = Clock(monkeypatch)
    found = Pace(torch.device("cpu"), 1000.0)
    for _ in range(50):
        found.count(left=0)
    clock.now += 2000.0
    assert found.project(left=0) is not None
    with pytest.raises(InvalidInputError, match="time_limit"):
        found.project(left=1)


def test_it_is_told_once_and_before_the_epoch_ends(few_digits, tiny):
    recipe = tiny.with_(epochs=20)  # of three steps each
    told = []
    Training(CELL, few_digits, recipe, device="cpu").run(report=told.append)
    kinds = [type(event) for event in told]
    assert kinds.count(Projection) == 1
    assert kinds.index(Projection) == 16  # after the fiftieth step, of the seventeenth epoch
    assert kinds.count(EpochEnd) == 20
    projection = told[16]
    assert projection.left == pytest.approx(10 * projection.step)


def test_side_by_side_it_is_told_of_each(few_digits, tiny):
    recipe = tiny.with_(epochs=17)
    both = [Training(CELL, few_digits, recipe, device="cpu", seed=seed) for seed in (0, 1)]
    told = []
    train_together(both, lambda number, event: told.append((number, type(event))))
    assert [number for number, kind in told if kind is Projection] == [0, 1]


def test_the_checkpoint_stays_and_with_more_time_it_goes_on(
    few_digits, tiny, tmp_path, monkeypatch
):
    recipe, path = tiny.with_(epochs=20), tmp_path / "it.safetensors"
    options = {"device": "cpu", "checkpoint": path}
    clock = Clock(monkeypatch)

    def slower(original=Pace.count):
        def count(self, left):
            clock.now += 1.0
            return original(self, left)

        return count

    monkeypatch.setattr(Pace, "count", slower())
    hurried = Training(CELL, few_digits, recipe, time_limit=30.0, **options)
    with pytest.raises(InvalidInputError, match=r"time_limit: expected at least 60\.0 s"):
        hurried.run()
    assert Training(CELL, few_digits, recipe, **options).epoch == 16
    Training(CELL, few_digits, recipe, time_limit=70.0, **options).run()


def test_a_limit_is_above_zero(few_digits, tiny):
    with pytest.raises(InvalidInputError, match="time_limit: expected seconds above 0, got 0"):
        Training(CELL, few_digits, tiny, device="cpu", time_limit=0)

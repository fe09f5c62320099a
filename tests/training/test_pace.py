"""How long a training will take: told, and refused where there is no time for it."""

from dataclasses import replace

import pytest
import torch

from surrobust.errors import InvalidInputError
from surrobust.images import load_images
from surrobust.spaces import Architecture
from surrobust.training import EpochEnd, Projection, Training, loop, pace, train_together
from surrobust.training.pace import Pace

CELL = Architecture.parse("323133")


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(pace.time, "perf_counter", lambda: self.now)
        monkeypatch.setattr(Pace, "_apart", 0.0)  # of tests that captured; sums here are exact


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


def test_what_is_apart_is_spent_but_no_part_of_the_pace(monkeypatch):
    clock = Clock(monkeypatch)
    found, other = (Pace(torch.device("cpu"), None) for _ in range(2))
    for step in range(1, 61):
        if step in (5, 30, 55):  # before it is measured, while it is, and after it was told
            with found.apart():
                clock.now += 7.0
        clock.now += 0.1
        other.count(left=100 - step)  # side by side it waited, too
        told = found.count(left=100 - step)
        if step == 50:
            assert told is not None
            assert (told.step, told.left) == (pytest.approx(0.1), pytest.approx(5.0))
            assert told.seconds == pytest.approx(2 * 7 + 50 * 0.1 + 5.0)
    for one in (found, other):
        told = one.project(left=40)
        assert told.step == pytest.approx(0.1)
        assert told.seconds == pytest.approx(3 * 7 + 60 * 0.1 + 4.0)


def test_steps_under_way_are_no_part_of_what_is_apart(monkeypatch):
    clock = Clock(monkeypatch)
    queued = []

    def wait(_):
        clock.now += sum(queued)
        queued.clear()

    monkeypatch.setattr(Pace, "_wait", wait)
    found = Pace(torch.device("cuda"), None)
    told = None
    for step in range(1, 51):
        if step == 30:
            with found.apart():
                queued.append(7.0)
        queued.append(0.1)  # the host is done at once
        told = found.count(left=50 - step)
    assert told is not None
    assert told.step == pytest.approx(0.1)
    assert told.seconds == pytest.approx(7 + 50 * 0.1)


@pytest.fixture
def slow_captures(monkeypatch) -> Clock:
    """A clock by which a step takes a second, and 50 to capture one."""
    clock = Clock(monkeypatch)

    def try_capture(step, *_, **__):
        clock.now += 50.0
        return step

    def count(self, left, original=Pace.count):
        clock.now += 1.0
        return original(self, left)

    monkeypatch.setattr(loop, "try_capture", try_capture)
    monkeypatch.setattr(Pace, "count", count)
    return clock


@pytest.mark.usefixtures("slow_captures")
def test_no_later_epoch_is_expected_to_capture_again(few_digits, tiny):
    # 150 images: 37 batches of 4 an epoch and, captured as the pace is measured, one of 2.
    recipe = replace(tiny, batch_size=4).with_(epochs=3)
    needed = 2 * 50.0 + 3 * 38
    told = []
    training = Training(CELL, few_digits, recipe, device="cpu", time_limit=needed)
    training._captured = True
    training.run(report=told.append)
    assert training.epoch == 3
    (projection,) = (event for event in told if isinstance(event, Projection))
    assert projection == Projection(seconds=needed, left=3 * 38 - 50.0, step=1.0)
    hurried = Training(CELL, few_digits, recipe, device="cpu", time_limit=needed - 1)
    hurried._captured = True
    with pytest.raises(InvalidInputError, match=r"at least 214\.0 s .* 1000\.0 ms a step"):
        hurried.run()


@pytest.mark.usefixtures("slow_captures")
def test_an_epoch_of_more_than_fifty_steps_ends_with_a_capture(tiny):
    # As on the GPU where it was found: told before the smaller batch comes, judged after it.
    recipe = replace(tiny, batch_size=2).with_(epochs=2)
    images = load_images("digits", limit=149)
    training = Training(CELL, images, recipe, device="cpu", time_limit=2 * 50.0 + 2 * 75)
    training._captured = True
    training.run()
    assert training.epoch == 2


@pytest.mark.usefixtures("slow_captures")
def test_side_by_side_captures_of_others_do_not_count_either(few_digits, tiny):
    recipe = replace(tiny, batch_size=4).with_(epochs=3)
    both = [Training(CELL, few_digits, recipe, device="cpu", seed=seed) for seed in (0, 1)]
    for training in both:
        training._captured = True
    told = []
    train_together(both, lambda number, event: told.append((number, event)))
    found = [(number, event) for number, event in told if isinstance(event, Projection)]
    spent = 4 * 50.0 + 99  # in turn: 50 steps of the first, and 49 of the second
    left = 2.0 * (3 * 38 - 50)
    assert found == [
        (0, Projection(seconds=spent + left, left=left, step=2.0)),
        (1, Projection(seconds=spent + 1 + left, left=left, step=2.0)),
    ]


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

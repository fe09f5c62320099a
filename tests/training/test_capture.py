"""Captured steps, on a CPU that pretends to be a GPU; on a GPU see tests/test_gpu.py."""

import logging
from dataclasses import replace

import pytest
import torch
from pretended_cuda import PretendedCuda, Stream

from surrobust._capture import CapturedStep
from surrobust.spaces import Architecture
from surrobust.training import RECIPES, Training, loop, together, train_together

CELLS = [Architecture.parse(code) for code in ("323133", "132142")]


@pytest.fixture
def cuda(monkeypatch) -> PretendedCuda:
    return PretendedCuda(monkeypatch)


def training(recipe, images, *, captured: bool, cell: Architecture = CELLS[0]) -> Training:
    found = Training(cell, images, recipe, device="cpu")
    found._captured = captured
    return found


def state(training: Training) -> list[torch.Tensor]:
    return list(training._tensors().values())


@pytest.mark.parametrize("name", RECIPES)
def test_replayed_steps_are_the_steps_themselves(name, few_digits, small_case, cuda, caplog):
    cell, recipe = small_case(name, 2)
    alone, other = (training(recipe, few_digits, captured=c, cell=cell) for c in (False, True))
    with caplog.at_level(logging.WARNING):
        for one in (alone, other):
            one.run()
    assert caplog.text == ""
    assert other.losses == alone.losses
    assert all(torch.equal(a, b) for a, b in zip(state(alone), state(other), strict=True))
    assert [n for _, n in other._steps] == [64, 150 - 2 * 64]
    full, part = other._steps.values()
    assert isinstance(full, CapturedStep)
    assert isinstance(part, CapturedStep)
    # One to try each, then two full batches an epoch and one of what is left.
    assert (full._graph.replays, part._graph.replays) == (1 + 2 * 2, 1 + 2)
    assert cuda.present is cuda.default


def test_an_alarm_captures_the_stronger_attack(few_digits, cuda, monkeypatch):
    recipe = replace(RECIPES["fast"], batch_size=64).with_(epochs=2, channels=2, cells=1)
    found = []
    for captured in (False, True):
        answers = iter([False, True, False])
        monkeypatch.setattr(loop, "is_overfitted", lambda *_, a=answers, **__: next(a))
        one = training(recipe, few_digits, captured=captured)
        one.run()
        assert (one.epoch, one.alarms) == (2, 1)
        assert [attack.steps for attack, _ in one._steps] == ([1, 1, 2, 2] if captured else [])
        found.append(state(one))
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_side_by_side_each_captures_on_its_own_stream(few_digits, cuda, monkeypatch):
    recipe = replace(RECIPES["fast"], batch_size=64).with_(epochs=1, channels=2, cells=1)
    alone = [training(recipe, few_digits, captured=False, cell=cell) for cell in CELLS]
    for one in alone:
        one.run()
    streams = [Stream() for _ in CELLS]
    places = iter([lambda s=s: cuda.stream(s) for s in streams])
    monkeypatch.setattr(together, "_place", lambda _: next(places))
    both = [training(recipe, few_digits, captured=True, cell=cell) for cell in CELLS]
    assert train_together(both) == [None, None]
    assert cuda.captured_on == [*streams, *streams]  # full batches, then those of what is left
    for one, other in zip(alone, both, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(state(one), state(other), strict=True))

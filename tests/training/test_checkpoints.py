"""Checkpoints that were changed, damaged or made up: refused before anything is taken over."""

import math
import random

import pytest
import torch

from surrobust._checkpoints import read_checkpoint, write_checkpoint
from surrobust.errors import InvalidInputError
from surrobust.spaces import Architecture
from surrobust.training import Training

CELL = Architecture.parse("323133")


@pytest.fixture(scope="module")
def written(few_digits, tiny, tmp_path_factory):
    """Return the bytes of a checkpoint after two of three epochs, its tensors and its state."""
    path = tmp_path_factory.mktemp("written") / "it.safetensors"
    Training(CELL, few_digits, tiny, device="cpu", checkpoint=path).run(until=2)
    return path.read_bytes(), *read_checkpoint(path, advice="")


@pytest.fixture
def resume(few_digits, tiny, tmp_path):
    """Return what takes a training up again from the bytes of a file."""
    path = tmp_path / "it.safetensors"

    def start(content: bytes | None = None) -> Training:
        if content is not None:
            path.write_bytes(content)
        return Training(CELL, few_digits, tiny, device="cpu", checkpoint=path)

    start.path = path
    return start


REFUSED = r"it\.safetensors: expected a checkpoint, got .* \(delete it to train anew\)$"


def test_every_flipped_bit_is_noticed(written, resume):
    whole, rng = written[0], random.Random(0)
    header = 8 + int.from_bytes(whole[:8], "little")
    places = [rng.randrange(header) for _ in range(40)]
    places += [rng.randrange(header, len(whole)) for _ in range(20)]
    for place in places:
        flipped = bytearray(whole)
        flipped[place] ^= 1 << rng.randrange(8)
        with pytest.raises(InvalidInputError, match=REFUSED):
            resume(bytes(flipped))
    assert resume(whole).epoch == 2


def kernel(tensors):
    return next(name for name, tensor in tensors.items() if tensor.ndim == 4)


def remake(written, path, *, change_state=None, change_tensors=None):
    """Write a file that says something else, with a checksum that fits."""
    _, tensors, state = written
    write_checkpoint(path, (change_tensors or dict)(tensors), {**state, **(change_state or {})})


@pytest.mark.parametrize(
    "change",
    [
        {"epoch": 99},
        {"epoch": -1},
        {"epoch": 1},
        {"epoch": True},
        {"epoch": 2.0},
        {"epoch": None},
        {"losses": 3},
        {"losses": "ab"},
        {"losses": ["a", "b"]},
        {"losses": [1.0]},
        {"alarms": "one"},
        {"alarms": -1},
        {"alarms": 10**9},
        {"seconds": "1"},
        {"seconds": math.nan},
        {"seconds": -1.0},
        {"computed": 1},
        {"computed": []},
        {"computed": [["cpu"]]},
        {"computed": [["cpu", "fp32", "more"]]},
        {"computed": {"cpu": "fp32"}},
        {"more": 1},
    ],
    ids=repr,
)
def test_a_state_that_no_training_has_is_refused(written, resume, change):
    remake(written, resume.path, change_state=change)
    with pytest.raises(InvalidInputError, match=REFUSED):
        resume()


def replaced(make):
    return lambda tensors: {**tensors, kernel(tensors): make(tensors[kernel(tensors)])}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (replaced(lambda _: torch.zeros(1)), r"torch\.float32 of shape \(1,\) in the place of"),
        (replaced(lambda old: old.double()), r"torch\.float64 of shape .* in the place of"),
        (replaced(lambda old: old > 0), r"torch\.bool of shape .* in the place of torch\.float32"),
        (lambda old: {n: t for n, t in old.items() if n != kernel(old)}, "nothing in the place of"),
        (lambda old: {**old, "network.x\n": torch.zeros(3)}, r"in the place of nothing as 'net"),
    ],
)
def test_tensors_of_another_network_are_refused(written, resume, change, told):
    remake(written, resume.path, change_tensors=change)
    with pytest.raises(InvalidInputError, match=told) as caught:
        resume()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_numbers_that_are_not_finite_are_taken_where_they_were_written(written, resume, number):
    change = replaced(lambda old: torch.full_like(old, number))
    remake(written, resume.path, change_tensors=change)
    with pytest.raises(FloatingPointError, match="expected a finite loss"):
        resume().run()


@pytest.mark.parametrize("content", [b"", bytes(1000), b"hello" * 100])
def test_what_is_no_checkpoint_is_refused(resume, content):
    with pytest.raises(InvalidInputError, match=REFUSED):
        resume(content)
    resume.path.unlink()
    resume.path.mkdir()
    with pytest.raises(InvalidInputError, match="got no file"):
        resume()


def test_a_training_without_convolutions_of_zeros_is_not_resumed(few_digits, tiny, tmp_path):
    path, cell = tmp_path / "it.safetensors", Architecture.parse("033113")
    Training(cell, few_digits, tiny, device="cpu", checkpoint=path).run(until=1)
    assert Training(cell, few_digits, tiny, device="cpu", checkpoint=path).epoch == 1
    tensors, state = read_checkpoint(path, advice="")
    del state["network"]
    write_checkpoint(path, tensors, state)
    with pytest.raises(InvalidInputError, match=r"network: expected .* as in this training"):
        Training(cell, few_digits, tiny, device="cpu", checkpoint=path)

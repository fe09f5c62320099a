"""Checkpoints: what was written comes back to the bit, and nothing else does."""

import math
import os
import random

import numpy as np
import pytest
import torch

from surrobust._checkpoints import read_checkpoint, write_checkpoint
from surrobust._parts import pack
from surrobust._tensors import pack_tensors, unpack_tensors
from surrobust.errors import InvalidInputError

TENSORS = {
    "a.kernel": torch.arange(12.0)
    .reshape(1, 3, 2, 2)
    .contiguous(memory_format=torch.channels_last),
    "a.count": torch.tensor(7),
    "b": torch.tensor([1.5, math.nan, -math.inf], dtype=torch.float64),
    "b.half": torch.ones(2, dtype=torch.float16),
    "none": torch.zeros(0, 3),
    "mask": torch.tensor([True, False]),
    "turned": torch.arange(6).reshape(2, 3).T,
}
DOCUMENT = {"step": 3, "losses": [0.1, 1e-300], "name": 'Zoë "z"', "more": {"x": None}}


@pytest.fixture
def path(tmp_path):
    write_checkpoint(tmp_path / "it.safetensors", TENSORS, DOCUMENT)
    return tmp_path / "it.safetensors"


def test_tensors_and_document_come_back_to_the_bit(path):
    tensors, document = read_checkpoint(path, advice="x")
    assert document == DOCUMENT
    assert set(tensors) == set(TENSORS)
    for name, tensor in TENSORS.items():
        assert tensors[name].dtype == tensor.dtype
        assert tensors[name].shape == tensor.shape
        assert torch.equal(tensors[name].nan_to_num(), tensor.nan_to_num())
    tensors["b"][0] = 2.0  # nobody else's
    before = path.read_bytes()
    write_checkpoint(path, *read_checkpoint(path, advice="x"))
    assert path.read_bytes() == before


def test_any_flipped_bit_is_refused(path):
    whole, rng = path.read_bytes(), random.Random(0)
    for _ in range(300):
        flipped = bytearray(whole)
        flipped[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        path.write_bytes(flipped)
        with pytest.raises(InvalidInputError, match=r"expected a checkpoint, got .* \(do this\)$"):
            read_checkpoint(path, advice="do this")


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: {**arrays, "other": np.ones(3)},
        lambda arrays: {**arrays, "tensors.other": np.ones(3)},
        lambda arrays: {name: a for name, a in arrays.items() if name != "tensors.b"},
        lambda arrays: {name: a for name, a in arrays.items() if name != "document"},
        lambda arrays: {name: a for name, a in arrays.items() if name != "checksum"},
        lambda arrays: {**arrays, "tensors.b": arrays["tensors.b"].view(np.int64)},
        lambda arrays: {**arrays, "tensors.b": arrays["tensors.b"][None]},
        lambda arrays: {**arrays, "document": arrays["checksum"]},
    ],
)
def test_any_other_content_is_refused(path, change):
    arrays = unpack_tensors(path.read_bytes(), name="x")
    path.write_bytes(pack_tensors(change(arrays)))
    with pytest.raises(InvalidInputError, match=r"it\.safetensors: expected a checkpoint, got"):
        read_checkpoint(path, advice="x")


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "7",
        '"x"',
        "null",
        "{",
        "",
        "[" * 100_000,
        '{"epoch": ' + "9" * 5000 + "}",
        '{"a": NaN}',
    ],
    ids=["list", "number", "text", "null", "part", "nothing", "deep", "a huge number", "NaN"],
)
def test_a_document_that_is_no_object_is_refused(path, text):
    from surrobust._checkpoints import _checksum, _Told

    path.write_bytes(pack_tensors(pack(_Told(text, _checksum({}, text)))))
    with pytest.raises(InvalidInputError, match=r"expected a checkpoint, got .* \(x\)$") as caught:
        read_checkpoint(path, advice="x")
    assert "\n" not in str(caught.value)


def test_what_is_no_file_is_refused(tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("folder", "pipe", "nothing"):
        with pytest.raises(InvalidInputError, match="expected a checkpoint, got no file"):
            read_checkpoint(tmp_path / name, advice="x")

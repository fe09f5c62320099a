"""Checksums inside JSON objects."""

import json

import pytest
import torch

from surrobust._seals import check_seal, find_difference, seal, unseal
from surrobust.errors import InvalidInputError

DOCUMENT = {"b": [1, 2.5, None, "\u00e9"], "a": {"x": True}}


def test_what_was_sealed_is_found_as_it_was():
    sealed = seal(DOCUMENT)
    assert list(sealed) == ["b", "a", "checksum"]
    assert seal(sealed) == sealed == seal(dict(reversed(DOCUMENT.items())))
    check_seal(json.loads(json.dumps(sealed)), "here", advice="")
    check_seal(DOCUMENT, "here", advice="")  # as earlier versions wrote it
    assert unseal(sealed, "here") == unseal(DOCUMENT, "here") == DOCUMENT
    assert unseal([1], "here") == [1]


@pytest.mark.parametrize(
    "change",
    [
        {"b": [1, 2.5, None, "e"]},
        {"a": {"x": 1}},
        {"more": None},
        {"checksum": "sha256:0"},
        {"checksum": None},
    ],
    ids=repr,
)
def test_what_was_changed_is_told(change):
    with pytest.raises(InvalidInputError, match=r"^here: checksum: expected .* \(ask\)$"):
        check_seal({**seal(DOCUMENT), **change}, "here", advice="ask")


def test_a_checksum_under_another_name_is_told():
    sealed = seal(DOCUMENT)
    sealed["chfcksum"] = sealed.pop("checksum")
    with pytest.raises(InvalidInputError, match=r"^here: checksum: expected"):
        check_seal(sealed, "here", advice="")


def test_what_is_nested_too_deeply_is_told():
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InvalidInputError, match="here: expected JSON, got one that is nested too"):
        check_seal({"deep": deep, "checksum": "sha256:0"}, "here", advice="")


def test_how_tensors_differ():
    kernel = {"kernel": torch.zeros(2, 3)}
    assert find_difference(kernel, {"kernel": torch.ones(2, 3)}) is None
    told = find_difference({"kernel": torch.zeros(3, 2)}, kernel)
    assert told == (
        "torch.float32 of shape (3, 2) in the place of torch.float32 of shape (2, 3) as 'kernel'"
    )
    assert find_difference({}, kernel) == (
        "nothing in the place of torch.float32 of shape (2, 3) as 'kernel'"
    )

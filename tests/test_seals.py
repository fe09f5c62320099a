"""Checksums in what is written."""

import json

import pytest

from surrobust._seals import seal, unseal
from surrobust.errors import InvalidInputError


def test_what_is_sealed_is_read_as_it_was_written():
    document = {"b": [1, {"a": 0.1}], "a": "ü", "c": None}
    found = json.loads(json.dumps(seal(document), indent=1))
    assert list(found) == [*document, "checksum"]
    assert unseal(found, "x") == document
    assert unseal(document, "x") == document  # as of earlier versions
    assert unseal([1], "x") == [1]


@pytest.mark.parametrize(
    "change",
    [
        {"value": 0.2},
        {"valuf": 0.1},
        {"more": 1},
        {"checksum": "sha256:0123456789abcdef"},
        {"checksum": "sha257:"},
        {"checksum": 5},
    ],
)
def test_what_is_damaged_below_its_seal_is_refused(change: dict[str, object]):
    document = seal({"value": 0.1}) | change
    with pytest.raises(InvalidInputError, match=r"^x: checksum: expected .* changed or damaged"):
        unseal(document, "x")


def test_a_damaged_name_of_a_checksum_is_noticed():
    document = seal({"value": 0.1})
    document["checksun"] = document.pop("checksum")
    with pytest.raises(InvalidInputError, match="changed or damaged"):
        unseal(document, "x")

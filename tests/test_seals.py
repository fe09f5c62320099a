"""Checksums in what is written."""

import json

import pytest

from surrobust._seals import TAKEN, check_seal, read_sealed, seal
from surrobust.errors import InvalidInputError

DOCUMENT = {"b": [1, {"a": 0.1}], "a": "ü", "c": None}


def test_what_is_sealed_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "x.json"
    path.write_text(json.dumps(seal(DOCUMENT), indent=1))
    found = read_sealed(path)
    assert list(found) == [*DOCUMENT, "checksum"]
    assert found.pop("checksum")
    assert found == DOCUMENT
    path.write_text(json.dumps(DOCUMENT))  # as of earlier versions
    assert read_sealed(path) == DOCUMENT
    path.write_text("[1]")
    assert read_sealed(path) == [1]


@pytest.mark.parametrize(
    "change", [{"c": 0.2}, {"d": None}, {"checksum": "sha256:0123456789abcdef"}, {"checksum": 5}]
)
def test_what_was_changed_is_refused(change):
    with pytest.raises(
        InvalidInputError, match=r"^x: checksum: expected sha256:.*was changed or d"
    ):
        check_seal(seal(DOCUMENT) | change, "x", advice=TAKEN)


def test_a_damaged_name_of_a_checksum_is_noticed(tmp_path):
    path = tmp_path / "x.json"
    path.write_text(json.dumps(seal(DOCUMENT)).replace('"checksum"', '"checksun"'))
    with pytest.raises(InvalidInputError, match=r"x\.json: checksum: expected sha256:"):
        read_sealed(path)

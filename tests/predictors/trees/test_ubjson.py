"""UBJSON: read as xgboost writes it, written as xgboost reads it, refused in bounded time."""

import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surrobust.predictors.trees.ubjson import read_ubjson, write_ubjson

NUMBERS = {"l": ">i4", "L": ">i8", "d": ">f4", "U": ">u1"}


def test_ubjson_is_read_as_xgboost_writes_it(fitted):
    booster = fitted("xgboost", 1).boosters_[0]
    document = read_ubjson(bytes(booster.save_raw("ubj")))
    other = json.loads(bytes(booster.save_raw("json")))
    ours = document["learner"]["gradient_booster"]["model"]["trees"]
    theirs = other["learner"]["gradient_booster"]["model"]["trees"]
    assert len(ours) == len(theirs) == 30
    for a, b in zip(ours, theirs, strict=True):
        for key in ("left_children", "right_children", "split_indices"):
            assert list(a[key]) == b[key]
        np.testing.assert_allclose(a["split_conditions"], b["split_conditions"], rtol=1e-6)


DOCUMENTS = st.recursive(
    st.integers(-(2**63), 2**63 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(document=DOCUMENTS)
def test_what_is_written_is_read(document):
    assert read_ubjson(write_ubjson(document)) == document


@pytest.mark.parametrize("kind", NUMBERS.values())
def test_arrays_keep_type_and_numbers(kind):
    array = np.arange(5).astype(kind)
    for given_ in (array, array.astype(array.dtype.newbyteorder("="))):
        found = read_ubjson(write_ubjson({"a": given_}))["a"]
        assert found.dtype == np.dtype(kind)
        np.testing.assert_array_equal(found, array)


def test_every_mark_is_read():
    content = (
        b"[i\xffU\xffI\xff\xfel\xff\xff\xff\xfdd\x3f\x00\x00\x00D\x3f\xe0" + bytes(6) + b"ZTF]"
    )
    assert read_ubjson(content) == [-1, 255, -2, -3, 0.5, 0.5, None, True, False]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"X",
        b"i",
        b"[i\x01",
        b"{",
        b"{L" + struct.pack(">q", 2**62),
        b"SL" + struct.pack(">q", -1),
        b"Si\x01a",  # a length of another type than xgboost's
        b"[#L" + struct.pack(">q", 2**62),
        b"[#L" + struct.pack(">q", -1),
        b"[$d#L" + struct.pack(">q", 2**62),
        b"[$d#L" + struct.pack(">q", -1),
        b"[$Z#L" + struct.pack(">q", 2**62),  # no bytes each
        b"[$d" + struct.pack(">q", 1),
        b"[" * 10_000,
        b"[" + b"Z" * 10_000 + b"]",
        b"i\x01i\x01",
        write_ubjson({"a": 1})[:-1] + write_ubjson({"a": 2})[1:],  # a name twice
        b"SL" + struct.pack(">q", 1) + b"\xff",
    ],
)
def test_what_is_no_document_is_refused(content):
    with pytest.raises(ValueError, match=r"\w"):
        read_ubjson(content)

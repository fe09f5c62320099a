"""Parts: what is declared comes back, and nothing else does."""

import json
import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pytest

from surrobust._parts import pack, tensor, unpack, unsaved
from surrobust.errors import InvalidModelError
from surrobust.typing import FloatArray


@dataclass(frozen=True)
class Curve:
    """Ascending points of m curves."""

    points: FloatArray = tensor("float64", "_knots m", most=10.0)

    def check(self) -> None:
        if (np.diff(self.points, axis=0) < 0).any():
            msg = "curve: expected ascending points, got others"
            raise InvalidModelError(msg)


@dataclass(frozen=True)
class Piece:
    """One of several."""

    alpha: FloatArray = tensor("float64", "n m")
    whiten: np.ndarray = tensor("float32", "a a")


@dataclass(frozen=True)
class Whole:
    """A part of every kind of field."""

    name: str
    targets: tuple[str, ...]
    widths: tuple[int, ...]
    n: int
    share: float
    is_single: bool
    curve: Curve
    pieces: tuple[Piece, ...]
    other: Curve | None
    rows: np.ndarray = tensor("float32", "n 2")
    free: np.ndarray = tensor("int64", "* *")
    gaps: FloatArray = tensor("float64", "n", may_be_nan=True)
    aside: object = unsaved()

    @cached_property
    def derived(self) -> float:
        return float(self.rows.sum())


def piece(a, n=4, m=3):
    return Piece(np.ones((n, m)), np.eye(a, dtype=np.float32))


def whole(**changes):
    given = {
        "name": 'Zoë "z"',
        "targets": ("a", "b", "c"),
        "widths": (2, 1),
        "n": 7,
        "share": 0.25,
        "is_single": True,
        "curve": Curve(np.arange(6.0).reshape(2, 3)),
        "pieces": (piece(2), piece(1)),
        "other": Curve(np.arange(9.0).reshape(3, 3)),
        "rows": np.zeros((4, 2), np.float32),
        "free": np.zeros((5, 0), np.int64),
        "gaps": np.array([1.0, np.nan, -2.0, np.nan]),
        "aside": object(),
    }
    return Whole(**{**given, **changes})


NAMES = {
    *("name", "targets", "widths", "n", "share", "is_single", "curve.points", "other.points"),
    *("pieces.0.alpha", "pieces.0.whiten", "pieces.1.alpha", "pieces.1.whiten"),
    *("rows", "free", "gaps"),
}


def test_a_part_comes_back_as_it_was_by_dotted_names():
    part = whole()
    assert part.derived == 0
    tensors = pack(part)
    assert set(tensors) == NAMES
    assert json.loads(tensors["targets"].tobytes()) == ["a", "b", "c"]
    back = unpack(Whole, tensors, {"m": 3})
    assert type(back) is Whole
    for name in ("name", "targets", "widths", "n", "share", "is_single"):
        assert getattr(back, name) == getattr(part, name)
        assert type(getattr(back, name)) is type(getattr(part, name))
    assert len(back.pieces) == 2
    assert back.aside is None
    again = pack(back)
    assert list(again) == list(tensors)
    for name, array in tensors.items():
        np.testing.assert_array_equal(again[name], array)
        assert again[name].dtype == array.dtype


def test_a_part_that_may_be_none_and_a_tuple_of_none_have_no_arrays():
    tensors = pack(whole(other=None, pieces=()))
    assert set(tensors) == {name for name in NAMES if not name.startswith(("other", "pieces"))}
    back = unpack(Whole, tensors)
    assert back.other is None
    assert back.pieces == ()


def test_a_prefix_tells_which_arrays_are_looked_at():
    tensors = {f"model.{name}": array for name, array in pack(whole()).items()}
    unpack(Whole, {**tensors, "state.x": np.ones(2)}, prefix="model.")
    with pytest.raises(InvalidModelError, match=r"besides what is declared, got model\.x too"):
        unpack(Whole, {**tensors, "model.x": np.ones(2)}, prefix="model.")


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_array_must_be_there_of_its_type_and_shape(name):
    tensors = pack(whole())
    array = tensors[name]
    wrong = {
        "another type": array.astype(np.complex128),
        "one axis more": array[..., None],
        "one axis less": array.reshape(-1)[0] if array.ndim == 1 else array.reshape(-1),
    }
    for change in wrong.values():
        with pytest.raises(InvalidModelError, match=f"expected {re.escape(name)} as") as caught:
            unpack(Whole, {**tensors, name: change})
        assert "\n" not in str(caught.value)
    if not name.startswith(("other", "pieces.1.")):  # without those, it is another whole part
        rest = {key: other for key, other in tensors.items() if key != name}
        with pytest.raises(InvalidModelError, match=f"{re.escape(name)} as .*, got none"):
            unpack(Whole, rest)
    with pytest.raises(InvalidModelError, match=f"got {re.escape(name)}x too"):
        unpack(Whole, {**tensors, f"{name}x": array})


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("gaps", np.zeros(5)),  # n is 4
        ("rows", np.zeros((4, 3), np.float32)),  # 2 is 2
        ("curve.points", np.arange(8.0).reshape(2, 4)),  # m is one size everywhere
        ("pieces.1.alpha", np.ones((5, 3))),  # n was met outside of the tuple
        ("pieces.0.whiten", np.ones((2, 3), np.float32)),  # a is a
        ("n", np.array([1, 2])),
    ],
)
def test_a_name_of_a_size_is_one_size(name, wrong):
    with pytest.raises(InvalidModelError, match="got shape"):
        unpack(Whole, {**pack(whole()), name: wrong}, {"m": 3})


def test_sizes_that_are_known_beforehand_are_held_to():
    with pytest.raises(InvalidModelError, match=r"curve.points as .* of shape \(_knots, 2\), got"):
        unpack(Whole, pack(whole()), {"m": 2})


@pytest.mark.parametrize("name", ["rows", "gaps", "curve.points", "pieces.0.alpha", "share"])
@pytest.mark.parametrize("number", [np.inf, -np.inf, 1e30, -1e30, np.nan])
def test_numbers_are_finite_and_not_larger_than_declared(name, number):
    tensors = pack(whole())
    spoilt = np.full_like(tensors[name], 0)
    spoilt.flat[-1] = number
    changed = {**tensors, name: spoilt}
    if name == "gaps" and np.isnan(number):
        unpack(Whole, changed)
        return
    with pytest.raises(InvalidModelError, match=r"expected finite numbers up to 1e\+?\d+ in|up to"):
        unpack(Whole, changed)


def test_what_a_part_says_of_itself_is_asked():
    with pytest.raises(InvalidModelError, match="expected ascending points"):
        unpack(Whole, {**pack(whole()), "curve.points": np.ones((2, 3)) * [[2.0], [1.0]]})


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '["a", NaN]', '{"a": 1, "a": 2}', "3", "", "[true]"]
)
@pytest.mark.parametrize("name", ["name", "targets", "widths"])
def test_texts_are_json_as_strict_as_any(name, text):
    for content in (text.encode(), b"\xff" + text.encode()):
        written = np.frombuffer(content, dtype=np.uint8)
        with pytest.raises(InvalidModelError, match=f"expected {name} as a .*, got something else"):
            unpack(Whole, {**pack(whole()), name: written})


def test_what_would_not_be_read_is_not_packed():
    with pytest.raises(InvalidModelError, match="rows as float32"):
        pack(whole(rows=np.zeros((4, 2))))
    with pytest.raises(InvalidModelError, match="ascending"):
        pack(whole(curve=Curve(np.arange(6.0)[::-1].reshape(2, 3))))

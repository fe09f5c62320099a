"""Measurements that fail."""

import math

import numpy as np
import pytest

from surrobust.errors import InvalidInputError, NotFiniteError
from surrobust.searches import SEARCHES, Bound, Goals, run
from surrobust.searches.failures import Failure, attempt, why_failed
from surrobust.spaces import Architecture, NASBench201

CELLS = [Architecture.parse(i).representative for i in (2, 5, 77)]
SPACE = NASBench201()


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf, np.float32("nan")])
def test_no_value(value):
    assert why_failed(value, 1).startswith("value: expected a finite number, got ")
    assert why_failed((0.5, value), 2).startswith("value: expected 2 finite numbers, got (0.5, ")
    assert why_failed(np.array([0.5, np.nan]), 2)
    assert why_failed(None, 2)


@pytest.mark.parametrize("value", [0, 0.5, np.float32(3), "nan", True, [0.5], 10**400])
def test_values_and_what_is_none_at_all(value):
    """The latter are mistakes: refused, not recorded."""
    assert why_failed(value, 1) == ""


def test_rows_of_another_length_are_mistakes():
    assert why_failed([math.nan], 2) == ""
    assert why_failed("ab", 2) == ""
    assert why_failed(math.nan, 2) == ""


@pytest.mark.parametrize("kind", [FloatingPointError, NotFiniteError])
def test_a_floating_point_error_is_a_fact_about_the_architecture(kind):
    def measure(_):
        raise kind("the loss is\nnan" + " again" * 100)

    reasons = [failure.reason for failure in attempt(measure, CELLS[:2], 0, "record")]
    assert len(reasons) == 2
    assert reasons[0].startswith(f"{kind.__name__}: the loss is nan again")
    assert len(reasons[0]) == 200
    with pytest.raises(kind) as raised:
        attempt(measure, CELLS[:2], 7, "raise")
    codes = f"{CELLS[0].code}, {CELLS[1].code}"
    assert raised.value.__notes__ == [f"while {codes} was measured (trial 7)"]


def test_other_errors_are_passed_on_with_a_name():
    def measure(_):
        raise MemoryError

    for word in ("record", "raise"):
        with pytest.raises(MemoryError) as raised:
            attempt(measure, CELLS[:1], 3, word)
        assert raised.value.__notes__ == [f"while {CELLS[0].code} was measured (trial 3)"]


def test_failures_are_counted_and_have_a_reason():
    values = iter([0.1, math.nan, None, 0.2])
    search = SEARCHES["random"](SPACE, seed=0)
    found = run(search, lambda _: next(values), budget=4, source="toy")
    assert [e.error for e in found] == [
        "",
        "value: expected a finite number, got nan",
        "value: expected a finite number, got None",
        "",
    ]
    assert [e.value for e in found if not e.failed] == [0.1, 0.2]
    assert all(math.isnan(e.value) for e in found if e.failed)


def test_a_batch_fails_in_parts_or_as_a_whole():
    def batch(cells):
        if len(seen) == 1:
            seen.append(cells)
            raise FloatingPointError("overflow")
        seen.append(cells)
        return [0.5, math.nan][: len(cells)]

    seen: list[list[Architecture]] = []
    search = SEARCHES["random"](SPACE, seed=0)
    found = run(search, batch, budget=5, source="toy", batch=2)
    reasons = [e.error.partition(":")[0] for e in found]
    assert reasons == ["", "value", "FloatingPointError", "FloatingPointError", ""]


@pytest.mark.parametrize("given", [None, 0.5])
def test_a_batch_gives_values(given):
    with pytest.raises(InvalidInputError, match="expected a value for each of 2 cells, got"):
        attempt(lambda _: given, CELLS[:2], 0, "record")


def test_a_failure_keeps_no_bound_and_is_on_no_front():
    goals = Goals((True, False), (Bound("params", 1e6, is_upper=True),))
    good = goals.read([0.5, 1.0, 2e5], CELLS[0], 0, "toy")
    bad = goals.read([0.9, 0.5, math.nan], CELLS[1], 1, "toy")
    worse = goals.read(Failure("lost"), CELLS[2], 2, "toy")
    assert (bad.failed, worse.error, worse.values) == (True, "lost", ())
    assert goals.keeping([good, bad, worse]) == goals.front([worse, bad, good]) == [good]


def test_raise_ends_it_by_name():
    with pytest.raises(InvalidInputError, match=r"^value: .*, got nan for \d{6} \(trial 0\)$"):
        run(
            SEARCHES["random"](SPACE, seed=0),
            lambda _: math.nan,
            budget=4,
            source="toy",
            on_failure="raise",
        )

"""What claims are worth."""

import math

from hypothesis import given
from hypothesis import strategies as st

from surrobust.searches.sharing.ledger import Claim, Slot, evaluations_of, settle
from surrobust.spaces import NASBench201

SPACE = NASBench201()
CELLS = [cell for cell in SPACE if cell == cell.representative][:400]


def twins():
    """Two representatives that compute the same function."""
    first = {}
    for cell in CELLS:
        if cell.function_class in first:
            return first[cell.function_class], cell
        first[cell.function_class] = cell
    raise AssertionError


TWINS = twins()
FEW = [cell for cell in CELLS if cell.function_class != TWINS[0].function_class][:4]


def claim(number, cell, state="open"):
    value = 0.5 if state == "done" else None
    error = "nan" if state == "failed" else None
    return Claim(number, number, cell, state == "open", value, "worker", 0, error)


def settled(*claims, budget=10, n_functions=4930):
    numbered = [claim(i, *one) for i, one in enumerate(claims)]
    slots = settle(numbered, budget=budget, n_functions=n_functions)
    return [(s.architecture, None if s.holder is None else s.holder.number) for s in slots]


def test_the_earlier_claim_of_an_architecture_counts():
    a, b = FEW[:2]
    assert settled((a,), (a,), (b,), (a,)) == [(a, 0), (b, 2)]


def test_a_later_claim_counts_where_the_earlier_ones_were_released():
    a, b = FEW[:2]
    assert settled((a, "released"), (b, "done"), (a, "released"), (a,), (a,)) == [(a, 3), (b, 1)]
    assert settled((a, "released")) == [(a, None)]


def test_a_failed_measurement_is_not_made_again():
    a, b = FEW[:2]
    assert settled((a, "failed"), (b, "done"), (a,)) == [(a, 0), (b, 1)]
    assert settled((a, "released"), (a, "failed"), (a,)) == [(a, 1)]
    slots = settle([claim(0, a, "failed"), claim(1, b, "done")], budget=9, n_functions=4930)
    failed, done = evaluations_of(slots, "toy")
    assert (failed.error, failed.trial, math.isnan(failed.value)) == ("nan", 0, True)
    assert (done.error, done.trial, done.value) == ("", 1, 0.5)


def test_claims_beyond_the_budget_do_not_count_and_released_ones_keep_their_place():
    a, b, c, _ = FEW
    assert settled((a, "released"), (b, "done"), (c, "done"), budget=2) == [(a, None), (b, 1)]


def test_a_twin_counts_once_every_function_was_claimed():
    a, twin = TWINS
    assert settled((a,), (twin,)) == [(a, 0)]
    assert settled((a,), (twin,), n_functions=1) == [(a, 0), (twin, 1)]


STATES = st.sampled_from(["open", "done", "failed", "released"])
CLAIMS = st.lists(st.tuples(st.sampled_from([*FEW, *TWINS]), STATES), max_size=12)


@given(claims=CLAIMS, budget=st.integers(1, 5), n=st.integers(0, 12))
def test_later_claims_never_take_a_place_away(claims, budget, n):
    early = settled(*claims[:n], budget=budget)
    late = settled(*claims, budget=budget)
    assert len(late) <= budget
    assert len({cell.function_class for cell, _ in late}) == len(late)
    assert [cell for cell, _ in late[: len(early)]] == [cell for cell, _ in early]
    for (_, before), (_, after) in zip(early, late, strict=False):
        assert before is None or after == before


def test_evaluations_are_in_the_order_of_their_first_claims():
    a, b, c, _ = FEW
    slots = [Slot(a, claim(3, a, "done")), Slot(b, claim(1, b)), Slot(c, claim(2, c, "done"))]
    assert [(e.architecture, e.trial) for e in evaluations_of(slots, "toy")] == [(a, 0), (c, 1)]

"""What claims are worth, and the study that holds them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surrobust.errors import InvalidInputError
from surrobust.searches import Evaluation
from surrobust.searches.ledger import Claim, Ledger, Slot, evaluations_of, has_study, settle
from surrobust.spaces import NASBench201

PLAN = {"target": "a", "seed": 0}
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
    return Claim(number, number, cell, state == "open", value, "worker", 0)


def settled(*claims, budget=10, n_functions=4930):
    numbered = [claim(i, *one) for i, one in enumerate(claims)]
    slots = settle(numbered, budget=budget, n_functions=n_functions)
    return [(s.architecture, None if s.holder is None else s.holder.number) for s in slots]


def test_the_earlier_claim_of_an_architecture_counts():
    a, b = FEW[:2]
    assert settled((a,), (a,), (b,), (a,)) == [(a, 0), (b, 2)]


def test_a_later_claim_counts_where_the_earlier_ones_failed():
    a, b = FEW[:2]
    assert settled((a, "failed"), (b, "done"), (a, "failed"), (a,), (a,)) == [(a, 3), (b, 1)]
    assert settled((a, "failed")) == [(a, None)]


def test_claims_beyond_the_budget_do_not_count_and_failed_ones_keep_their_place():
    a, b, c, _ = FEW
    assert settled((a, "failed"), (b, "done"), (c, "done"), budget=2) == [(a, None), (b, 1)]


def test_a_twin_counts_once_every_function_was_claimed():
    a, twin = TWINS
    assert settled((a,), (twin,)) == [(a, 0)]
    assert settled((a,), (twin,), n_functions=1) == [(a, 0), (twin, 1)]


STATES = st.sampled_from(["open", "done", "failed"])
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


def test_claims_are_read_by_others(storage, study, open_place):
    mine = Ledger(open_place(storage), study, PLAN, maximise=True)
    theirs = Ledger(open_place(storage), study, PLAN, maximise=True)
    mine.budget = 7
    first, second, third = (mine.claim(cell, "me") for cell in FEW[:3])
    mine.beat(second, 4)
    mine.complete(first, 0.25)
    mine.release(third)
    theirs.record(Evaluation(FEW[3], 0.75, 0, "table"))
    read = theirs.claims()
    assert theirs.budget == 7
    assert [c.architecture for c in read] == FEW
    assert [c.value for c in read] == [0.25, None, None, 0.75]
    assert [c.open for c in read] == [False, True, False, False]
    assert [c.failed for c in read] == [False, False, True, False]
    assert [(c.worker, c.beat) for c in read[:2]] == [("me", 0), ("me", 4)]
    assert read == mine.claims()


def test_what_has_ended_stays_as_it_is(storage, study, open_place):
    ledger = Ledger(open_place(storage), study, PLAN, maximise=True)
    other = Ledger(open_place(storage), study, PLAN, maximise=True)
    lost, done = ledger.claim(FEW[0], "me"), ledger.claim(FEW[1], "me")
    other.release(lost)
    other.complete(done, 0.5)
    ledger.complete(lost, 0.9)
    ledger.complete(done, 0.9)
    ledger.release(done)
    with pytest.raises(RuntimeError):
        ledger.beat(lost, 1)
    assert [c.value for c in ledger.claims()] == [None, 0.5]


def test_another_plan_is_refused(storage, study, open_place):
    Ledger(open_place(storage), study, PLAN, maximise=True)
    with pytest.raises(InvalidInputError, match="seed: expected 0 as in study"):
        Ledger(open_place(storage), study, {**PLAN, "seed": 1}, maximise=True)


def test_trials_of_somebody_else_are_left_alone(storage, study, open_place):
    import optuna

    place = open_place(storage)
    assert not has_study(place, study)
    ledger = Ledger(place, study, PLAN, maximise=False)
    assert has_study(place, study)
    theirs = optuna.load_study(study_name=study, storage=place)
    theirs.tell(theirs.ask(), 0.3)
    ledger.complete(ledger.claim(FEW[0], "me"), 0.4)
    assert [c.architecture for c in ledger.claims()] == [FEW[0]]
    assert [trial.value for trial in theirs.trials] == [0.3, 0.4]
    assert theirs.direction == optuna.study.StudyDirection.MINIMIZE

"""The study that holds the claims of workers."""

import math

import pytest

from surrobust.errors import InvalidInputError
from surrobust.searches import Evaluation
from surrobust.searches.sharing.ledger import Ledger, has_study
from surrobust.spaces import Architecture

PLAN = {"target": "a", "seed": 0}
FEW = [Architecture.parse(code).representative for code in ("333333", "222222", "444444", "321321")]


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
    assert [c.released for c in read] == [False, False, True, False]
    assert [(c.worker, c.beat) for c in read[:2]] == [("me", 0), ("me", 4)]
    assert read == mine.claims()


def test_failed_measurements_are_read_by_others(storage, study, open_place):
    mine = Ledger(open_place(storage), study, PLAN, maximise=True)
    theirs = Ledger(open_place(storage), study, PLAN, maximise=True)
    claim = mine.claim(FEW[0], "me")
    mine.fail(claim, "the loss is nan")
    mine.complete(claim, 0.5)  # too late
    theirs.record(Evaluation(FEW[1], math.nan, 1, "table", error="no value"))
    read = theirs.claims()
    assert [(c.open, c.released, c.value) for c in read] == [(False, False, None)] * 2
    assert [c.error for c in read] == ["the loss is nan", "no value"]


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

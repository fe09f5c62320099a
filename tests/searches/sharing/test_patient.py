"""Databases that go away: before they hear a call, or before they answer it."""

import logging
from collections import Counter

import pytest
from optuna import load_study
from optuna.storages import get_storage
from sqlalchemy.exc import (
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    PendingRollbackError,
)

from surrobust.errors import InvalidInputError, StorageLostError
from surrobust.objectives.halving import Halving
from surrobust.searches import SEARCHES, Evaluation, run
from surrobust.searches.sharing import patient
from surrobust.searches.sharing import storage as storage_module
from surrobust.searches.sharing.ledger import Ledger, evaluations_of, settle
from surrobust.searches.sharing.storage import open_storage
from surrobust.searches.sharing.worker import Worker
from surrobust.spaces import Architecture, NASBench201

FEW = [Architecture.parse(code).representative for code in ("333333", "222222", "444444", "321321")]
ERROR = OperationalError("select 1", None, Exception("the server closed\nthe connection"))

WRITES = (
    "create_new_study",
    "set_study_user_attr",
    "create_new_trial",
    "set_trial_user_attr",
    "set_trial_state_values",
)
READS = ("get_study_id_from_name", "get_study_user_attrs", "get_all_trials")


class Unreliable:
    """A storage whose database goes away at some calls.

    Args:
        storage: The storage.
        fails: Name of a call, which of these it is from 1, to ``call`` or ``answer``, whichever is
            lost, or to None.
    """

    def __init__(self, storage, fails):
        self._real, self._fails = storage, fails
        self.calls = Counter()

    def __getattr__(self, name):
        found = getattr(self._real, name)
        return self._unreliably(name, found) if callable(found) else found

    def _unreliably(self, name, found):
        from optuna.exceptions import StorageInternalError

        def call(*args, **kwargs):
            self.calls[name] += 1
            lost = self._fails(name, self.calls[name])
            made = None if lost == "call" else found(*args, **kwargs)
            if lost:
                raise StorageInternalError from ERROR
            return made

        return call


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(patient, "_PAUSES", (0.0, 0.0))


def unreliable(url, fails):
    """Open a database that is waited for; ``calls`` counts what was asked of it."""
    return patient.Patient(Unreliable(get_storage(url), fails), patient.Outage())


@pytest.fixture
def open_unreliable(tmp_path):
    """Open a database of which ``fails`` says when it goes away."""

    def open_one(fails=lambda *_: None):
        return unreliable(f"sqlite:///{tmp_path}/database", fails)

    return open_one


def use(place):
    """Do with a ledger all that can be done, and return what others read of it."""
    ledger = Ledger(place, "s", {"seed": 0}, maximise=True)
    ledger.budget = 7
    done, failed, released = (ledger.claim(cell, "me") for cell in FEW[:3])
    ledger.beat(done, 3)
    ledger.complete(done, 0.25)
    ledger.fail(failed, "the loss is nan")
    ledger.release(released)
    ledger.record(Evaluation(FEW[3], 0.75, 0, "table"))
    ledger.claim(FEW[2], "me")
    assert ledger.budget == 7
    slots = settle(ledger.claims(), budget=7, n_functions=4930)
    theirs = Ledger(place, "s", {"seed": 0}, maximise=True)
    assert theirs.claims() == ledger.claims()
    return [
        (s.architecture, s.holder.open, s.holder.value, s.holder.error, s.holder.worker)
        for s in slots
    ], sum(claim.open for claim in ledger.claims())


@pytest.mark.parametrize("lost", ["call", "answer"])
@pytest.mark.parametrize("name", [*WRITES, *READS])
def test_what_is_lost_is_done_again_and_counts_once(open_unreliable, caplog, name, lost):
    place = open_unreliable(lambda called, n: lost if called == name and n % 3 else None)
    assert use(place) == (
        [
            (FEW[0], False, 0.25, None, "me"),
            (FEW[1], False, None, "the loss is nan", "me"),
            (FEW[2], True, None, None, "me"),
            (FEW[3], False, 0.75, None, ""),
        ],
        1,
    )
    assert place.calls[name] >= 2
    assert (
        "storage: the database is away, it is waited for up to 300 s: the server closed the "
        in (caplog.text)
    )


def test_a_worker_uses_the_claim_that_was_made_but_not_answered(open_unreliable, objective):
    place = open_unreliable(lambda name, n: "answer" if name in WRITES and n % 2 else None)
    ledger, measured = Ledger(place, "s", {}, maximise=True), []
    ledger.budget = 8

    def noting(cell):
        measured.append(cell)
        return objective(cell)

    start = lambda seed: SEARCHES["random"](NASBench201(), seed=seed)  # noqa: E731
    Worker(ledger, start, noting, seed=0, maximise=True).run()
    found = evaluations_of(settle(ledger.claims(), budget=8, n_functions=4930), "toy")
    plain = run(start(0), objective, budget=8, source="toy")
    assert found == plain
    assert measured == [e.architecture for e in plain]
    assert not [claim for claim in ledger.claims() if claim.open]


def test_an_outage_is_told_once_and_ends_what_lasts_too_long(open_unreliable, monkeypatch, caplog):
    place = open_unreliable(lambda name, _: "call" if name == "get_all_trials" else None)
    ledger = Ledger(place, "s", {}, maximise=True)
    monkeypatch.setattr(patient, "PATIENCE", 0.1)
    told = (
        r"storage: expected a database that answers, got none for 0\.1 s \(the server closed the "
        r"connection\)$"
    )
    with caplog.at_level(logging.WARNING), pytest.raises(StorageLostError, match=told):
        ledger.claims()
    assert len(caplog.records) == 1
    before = place.calls["get_all_trials"]
    with pytest.raises(StorageLostError):
        ledger.claims()  # the same outage: it was waited for
    assert place.calls["get_all_trials"] == before + 1
    assert ledger.budget is None  # what answers
    assert len(caplog.records) == 1


def test_a_worker_does_not_wait_twice_for_a_database_that_is_lost(
    open_unreliable, monkeypatch, objective
):
    away = []
    place = open_unreliable(lambda name, _: "call" if away and name.startswith("set_") else None)
    ledger = Ledger(place, "s", {}, maximise=True)
    ledger.budget = 3
    monkeypatch.setattr(patient, "PATIENCE", 0.05)

    def losing(cell):
        away.append(cell)
        return objective(cell)

    start = lambda seed: SEARCHES["random"](NASBench201(), seed=seed)  # noqa: E731
    with pytest.raises(StorageLostError) as caught:
        Worker(ledger, start, losing, seed=0, maximise=True).run()
    assert caught.value.__context__ is not None
    away.clear()
    (claim,) = ledger.claims()
    assert claim.open  # the others will notice


def invalid_after(error):
    """What SQLAlchemy raises where the connection is used on after an error."""
    after = PendingRollbackError("can't reconnect until the transaction is rolled back")
    after.__context__ = error
    return after


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ERROR, True),
        (InterfaceError("select 1", None, Exception("closed")), True),
        (InternalError("select 1", None, Exception("ended"), connection_invalidated=True), True),
        (InternalError("select 1", None, Exception("read only")), False),
        (invalid_after(ERROR), True),
        (invalid_after(KeyError("nothing")), False),
        (IntegrityError("select 1", None, Exception("twice")), False),
        (KeyError("nothing"), False),
    ],
    ids=lambda given: type(given).__name__,
)
def test_only_a_database_that_is_away_is_waited_for(error, expected):
    from optuna.exceptions import StorageInternalError

    around = StorageInternalError()
    around.__cause__ = error
    assert patient.is_away(error) is patient.is_away(around) is expected
    other = KeyError("nothing")  # while another error is handled
    other.__context__ = error
    assert not patient.is_away(other)
    calls = []

    def call():
        calls.append(error)
        if len(calls) == 1:
            raise error
        return "made"

    if expected:
        assert patient.Outage().wait_out(call, 60.0) == "made"
    else:
        with pytest.raises(type(error)):
            patient.Outage().wait_out(call, 60.0)
        assert len(calls) == 1


@pytest.mark.parametrize("is_known", [False, True])
def test_a_database_that_has_answered_is_waited_for_when_it_is_opened_again(
    tmp_path, monkeypatch, is_known
):
    url, make, tries = f"sqlite:///{tmp_path}/database", storage_module._make, []
    if is_known:
        open_storage(url)

    def failing(given):
        tries.append(given)
        if len(tries) < 30:
            raise ERROR
        return make(given)

    monkeypatch.setattr(storage_module, "_make", failing)
    monkeypatch.setattr(storage_module, "_FIRST", -1.0)
    if is_known:
        assert open_storage(url).get_all_studies() == []
    else:
        told = "storage: expected a database that answers, got: the server closed the connection"
        with pytest.raises(InvalidInputError, match=told):
            open_storage(url)
        assert len(tries) == 1


@pytest.mark.parametrize("lost", ["call", "answer"])
def test_rungs_outlive_a_database_that_goes_away(tmp_path, monkeypatch, lost):
    opened = []

    def open_one(url):
        opened.append(unreliable(url, lambda _, n: lost if n % 3 == 1 else None))
        return opened[-1]

    monkeypatch.setattr("surrobust.objectives.halving.open_storage", open_one)
    url = f"sqlite:///{tmp_path}/database"
    halving = Halving("it", epochs=9, min_epochs=1, reduction=3, storage=url)
    went_on = []
    for cell, accuracy in zip(FEW, (0.4, 0.5, 0.1, 0.6), strict=True):
        rungs = halving.begin(cell)
        went_on.append(rungs.goes_on(1, lambda accuracy=accuracy: accuracy))
        rungs.end(accuracy, stopped=not went_on[-1])
    assert went_on == [True, True, False, True]
    study = load_study(study_name=None, storage=open_storage(url))
    known = [t for t in study.get_trials() if "code" in t.user_attrs]
    assert [t.user_attrs["code"] for t in known] == [cell.code for cell in FEW]
    assert [t.state.name for t in known] == ["COMPLETE", "COMPLETE", "PRUNED", "COMPLETE"]
    assert opened[0].calls["create_new_trial"] > len(FEW)

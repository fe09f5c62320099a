"""Workers of one search: alone, one after another, side by side."""

import math
import threading
from collections import Counter

import pytest

from surrobust.errors import InvalidInputError
from surrobust.searches import SEARCHES, run
from surrobust.searches.sharing.ledger import Ledger, evaluations_of, settle
from surrobust.searches.sharing.storage import open_storage
from surrobust.searches.sharing.worker import Worker
from surrobust.spaces import Architecture, NASBench201

SPACE = NASBench201()
NAMES = sorted(set(SEARCHES) - {"surrogate", "dsrna", "arnas"})


class CrashError(Exception):
    """What a failing objective raises."""


def make_worker(place, study, objective, *, name="random", seed=0, budget=12, **options):
    ledger = Ledger(place, study, {}, maximise=True)
    ledger.budget = budget
    start = options.pop("start", lambda seed: SEARCHES[name](SPACE, seed=seed))
    return Worker(ledger, start, objective, seed=seed, maximise=True, **options)


def result_of(place, study, budget=12):
    claims = Ledger(place, study, {}, maximise=True).claims()
    return evaluations_of(settle(claims, budget=budget, n_functions=4930), "toy")


@pytest.mark.parametrize("name", NAMES)
def test_a_lone_worker_does_what_a_plain_search_does(journal, objective, name):
    place = open_storage(journal)
    make_worker(place, "s", objective, name=name, seed=3).run()
    plain = run(SEARCHES[name](SPACE, seed=3), objective, budget=12, source="toy")
    assert result_of(place, "s") == plain


@pytest.mark.parametrize("name", NAMES)
def test_a_crashed_search_is_continued_as_if_never_interrupted(journal, objective, name):
    place, calls = open_storage(journal), []

    def crashing(cell):
        calls.append(cell)
        if len(calls) == 12:
            raise CrashError
        return objective(cell)

    with pytest.raises(CrashError):
        make_worker(place, "s", crashing, name=name, budget=14).run()
    assert len(result_of(place, "s", 14)) == 11
    make_worker(place, "s", objective, name=name, budget=14).run()
    plain = run(SEARCHES[name](SPACE, seed=0), objective, budget=14, source="toy")
    assert result_of(place, "s", 14) == plain


def test_what_a_dead_worker_left_is_measured_first(storage, study, objective, open_place):
    place = open_place(storage)
    ledger = Ledger(place, study, {}, maximise=True)
    left = Architecture.parse("333333")
    dead = ledger.claim(left, "elsewhere 1 x")
    asked = []

    def noting(cell):
        asked.append(cell)
        return objective(cell)

    make_worker(place, study, noting, budget=3, seconds=0.02).run()
    assert left in asked
    evaluations = result_of(place, study, 3)
    assert evaluations[0].architecture == left
    assert len(evaluations) == 3
    assert [c.number for c in ledger.claims() if c.released] == [dead.number]


def test_a_worker_taken_for_dead_is_not_counted(journal, objective):
    place = open_storage(journal)
    ledger = Ledger(place, "s", {}, maximise=True)
    values = iter([0.9, 0.1, 0.2, 0.3])

    def stolen_once(cell):
        value = next(values)
        if value == 0.9:  # meanwhile another worker took this one for dead
            (claim,) = (c for c in ledger.claims() if c.open)
            ledger.release(claim)
        return value

    make_worker(place, "s", stolen_once, budget=3).run()
    evaluations = result_of(place, "s", 3)
    assert [e.value for e in evaluations] == [0.1, 0.2, 0.3]
    assert len({e.architecture for e in evaluations}) == 3


@pytest.mark.parametrize("name", ["random", "default", "evolution"])
def test_workers_side_by_side_share_one_budget(journal, objective, name):
    measured, errors, lock = [], [], threading.Lock()

    def noting(cell):
        with lock:
            measured.append(cell)
        return objective(cell)

    def work():
        try:
            make_worker(open_storage(journal), "s", noting, name=name, budget=24).run()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(measured) == 24
    assert max(Counter(measured).values()) == 1
    assert len({cell.function_class for cell in measured}) == 24
    assert {e.architecture for e in result_of(open_storage(journal), "s", 24)} == set(measured)


def test_a_worker_that_joins_goes_on_from_what_others_found(journal, objective):
    place = open_storage(journal)
    ledger = Ledger(place, "s", {}, maximise=True)
    known = SEARCHES["random"](SPACE, seed=99).ask(11)
    for cell in known:
        ledger.complete(ledger.claim(cell, "other"), objective(cell))
    told = []

    def start(seed):
        search = SEARCHES["random"](SPACE, seed=seed)
        told.append(search)
        return search

    make_worker(place, "s", objective, start=start, budget=12).run()
    assert set(known) <= set(told[-1].values)
    assert len(result_of(place, "s", 12)) == 12


def test_a_space_that_ends_before_the_budget(journal, objective):
    few = [Architecture.parse(code).representative for code in ("000200", "000300", "000400")]
    start = lambda seed: SEARCHES["random"](SPACE, candidates=few, seed=seed)  # noqa: E731
    place = open_storage(journal)
    make_worker(place, "s", objective, start=start, budget=9).run()
    assert {e.architecture for e in result_of(place, "s", 9)} == set(few)


def test_a_raised_budget_is_spent(journal, objective):
    place = open_storage(journal)
    make_worker(place, "s", objective, budget=5).run()
    make_worker(place, "s", objective, budget=8).run()
    plain = run(SEARCHES["random"](SPACE, seed=0), objective, budget=8, source="toy")
    assert result_of(place, "s", 8) == plain


@pytest.mark.parametrize(("value", "options"), [("0.3", {}), (math.nan, {"on_failure": "raise"})])
def test_a_value_that_is_no_number_is_refused_and_the_claim_released(journal, value, options):
    place = open_storage(journal)
    with pytest.raises(InvalidInputError, match=r"value: expected a finite number.*trial 0"):
        make_worker(place, "s", lambda _: value, **options).run()
    (claim,) = Ledger(place, "s", {}, maximise=True).claims()
    assert claim.released


@pytest.mark.parametrize("name", NAMES)
def test_failed_evaluations_are_those_of_a_plain_search(journal, objective, name):
    def failing(cell):
        value = objective(cell)
        if cell.index % 3 == 0:
            raise FloatingPointError("loss is nan")
        return math.nan if cell.index % 3 == 1 else value

    place = open_storage(journal)
    make_worker(place, "s", failing, name=name, seed=0).run()
    plain = run(SEARCHES[name](SPACE, seed=0), failing, budget=12, source="toy")
    assert result_of(place, "s") == plain
    assert {e.error.partition(":")[0] for e in plain} == {"", "value", "FloatingPointError"}
    # Another worker with a raised budget follows them as the first one did.
    make_worker(place, "s", failing, name=name, seed=0, budget=15).run()
    whole = run(SEARCHES[name](SPACE, seed=0), failing, budget=15, source="toy")
    assert result_of(place, "s", 15) == whole


def test_a_worker_that_dies_while_it_reports_a_failure_leaves_a_failure(journal, objective):
    place = open_storage(journal)
    ledger = Ledger(place, "s", {}, maximise=True)
    claim = ledger.claim(SPACE[0].representative, "another")
    place.set_trial_user_attr(claim.trial_id, "error", "nan")
    ledger.release(claim)
    ledger.fail(claim, "later")  # it was taken for dead only
    (known,) = ledger.claims()
    assert (known.error, known.released) == ("nan", False)


def test_a_worker_may_be_stopped_and_tells_what_it_sees(journal, objective):
    place, seen = open_storage(journal), []
    worker = make_worker(place, "s", objective, report=lambda slots: seen.append(len(slots)))
    worker.run(may_go_on=lambda: len(seen) < 4)
    assert seen == [0, 1, 2, 3]

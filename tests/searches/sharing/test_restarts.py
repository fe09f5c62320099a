"""PostgreSQL that is started anew, or ended in mid-search, and workers that sleep on its locks."""

import threading

import pytest
from sqlalchemy import text

from surrobust.searches import SEARCHES, run
from surrobust.searches.sharing import storage as storage_module
from surrobust.searches.sharing.ledger import Ledger, evaluations_of, settle
from surrobust.searches.sharing.worker import Worker
from surrobust.spaces import Architecture, NASBench201

CELL = Architecture.parse("333333")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_search_outlives_a_restart(postgres_server, open_place, study, objective, mode):
    ledger = Ledger(open_place(postgres_server.url), study, {}, maximise=True)
    ledger.budget = 6
    starting, measured = [], []

    def restarting(cell):
        measured.append(cell)
        if len(measured) == 3:
            postgres_server.stop(mode)
            starting.append(threading.Timer(0.5, postgres_server.start))
            starting[0].start()
        return objective(cell)

    start = lambda seed: SEARCHES["random"](NASBench201(), seed=seed)  # noqa: E731
    try:
        Worker(ledger, start, restarting, seed=0, maximise=True, seconds=0.2).run()
    finally:
        starting[0].join()
    found = evaluations_of(settle(ledger.claims(), budget=6, n_functions=4930), "toy")
    assert found == run(start(0), objective, budget=6, source="toy")
    assert measured == [e.architecture for e in found]


@pytest.mark.timeout(120)  # a lock that is kept is waited for
def test_who_sleeps_on_a_lock_of_the_database_loses_it(postgres, open_place, study, monkeypatch):
    monkeypatch.setattr(storage_module, "_IDLE", 0.5)
    sleeper, other = (Ledger(open_place(postgres), study, {}, maximise=True) for _ in range(2))
    with sleeper._storage._backend.engine.connect() as connection:
        lock = text("SELECT * FROM studies WHERE study_name = :study FOR UPDATE")
        assert len(connection.execute(lock, {"study": study}).all()) == 1
        made = other.claim(CELL, "me")  # needs the same row
        connection.invalidate()
    assert [claim.number for claim in sleeper.claims()] == [made.number]
    sleeper.complete(made, 0.5)
    assert [claim.value for claim in other.claims()] == [0.5]

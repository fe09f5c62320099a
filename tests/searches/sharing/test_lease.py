"""Who is taken for dead, and when."""

import subprocess
import sys
import time

from surrobust.searches.sharing.lease import Watch, heartbeat, name_worker
from surrobust.searches.sharing.ledger import Claim, Ledger
from surrobust.searches.sharing.storage import open_storage
from surrobust.spaces import Architecture

CELL = Architecture.parse("333333")


def claim(worker, beat=0):
    return Claim(0, 0, CELL, True, None, worker, beat)


def test_a_silent_worker_is_dead_after_four_heartbeats():
    now = [100.0]
    watch = Watch(10.0, clock=lambda: now[0])
    for _ in range(5):
        assert watch.dead([claim("elsewhere 1 x")]) == []
        now[0] += 10
    now[0] -= 9
    assert watch.dead([claim("elsewhere 1 x")]) == [claim("elsewhere 1 x")]


def test_a_heartbeat_counts_from_when_it_is_seen():
    now = [0.0]
    watch = Watch(10.0, clock=lambda: now[0])
    for beat in range(5):
        assert watch.dead([claim("elsewhere 1 x", beat)]) == []
        watch_for(39, watch, now)
    assert watch.dead([claim("elsewhere 1 x", 4)]) == []
    now[0] += 2
    assert len(watch.dead([claim("elsewhere 1 x", 4)])) == 1


def watch_for(seconds, watch, now):
    """Let time go by for a watch that is awake, as its worker's heartbeats show it."""
    for _ in range(seconds):
        now[0] += 1
        watch.stay_awake()


def test_a_watch_that_was_suspended_takes_nobody_for_dead():
    now = [0.0]
    watch = Watch(10.0, clock=lambda: now[0])
    assert watch.dead([claim("elsewhere 1 x", 7)]) == []
    watch_for(15, watch, now)
    now[0] += 3600  # all workers are suspended, or the database is away
    assert watch.dead([claim("elsewhere 1 x", 7)]) == []
    watch_for(40, watch, now)
    assert watch.dead([claim("elsewhere 1 x", 7)]) == []
    now[0] += 1
    assert len(watch.dead([claim("elsewhere 1 x", 7)])) == 1


def test_what_has_ended_is_not_dead():
    ended = Claim(0, 0, CELL, False, None, "elsewhere 1 x", 0)
    now = [0.0]
    watch = Watch(1.0, clock=lambda: now[0])
    watch.dead([ended])
    now[0] = 100.0
    assert watch.dead([ended]) == []


def test_a_process_that_is_gone_from_this_machine_is_dead_at_once():
    machine = name_worker().split()[0]
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    watch = Watch(1000.0)
    gone = claim(f"{machine} {process.pid} x")
    assert watch.dead([gone]) == [gone]
    assert watch.dead([claim(name_worker())]) == []
    assert watch.dead([claim(f"elsewhere {process.pid} x"), claim("")]) == []


def test_names_differ():
    assert name_worker() != name_worker()
    assert len(name_worker().split(" ")) == 3


def test_a_heart_beats_until_the_work_is_done(journal):
    ledger = Ledger(open_storage(journal), "s", {}, maximise=True)
    held = ledger.claim(CELL, "me")
    with heartbeat(ledger, held, seconds=0.02):
        deadline = time.monotonic() + 120
        while ledger.claims()[0].beat < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    (seen,) = ledger.claims()
    assert seen.beat >= 3
    time.sleep(0.1)
    assert ledger.claims() == [seen]


def test_a_heart_stops_when_the_claim_was_taken_away(journal):
    ledger = Ledger(open_storage(journal), "s", {}, maximise=True)
    held = ledger.claim(CELL, "me")
    ledger.release(held)
    with heartbeat(ledger, held, seconds=0.01):
        time.sleep(0.1)
    assert ledger.claims()[0].beat == 0


def test_a_heart_goes_on_when_a_beat_is_lost(journal, caplog):
    ledger = Ledger(open_storage(journal), "s", {}, maximise=True)
    held = ledger.claim(CELL, "me")
    real, failed = ledger.beat, []

    def beat(claim, count):
        if not failed:
            failed.append(count)
            raise OSError("the disk is away")
        real(claim, count)

    ledger.beat = beat
    beaten = []
    with heartbeat(ledger, held, seconds=0.01, beaten=lambda: beaten.append(len(failed))):
        deadline = time.monotonic() + 120
        while not ledger.claims()[0].beat and time.monotonic() < deadline:
            time.sleep(0.01)
    assert ledger.claims()[0].beat >= 2
    assert set(beaten) == {1}  # that which was lost does not count
    assert "a heartbeat was lost: the disk is away" in caplog.text

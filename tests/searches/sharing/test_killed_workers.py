"""Workers that are killed or suspended in mid-trial: nothing is lost or counted twice."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from killed import stopped
from shareable import by_index

import surrobust
from surrobust.searches.sharing.ledger import Ledger, evaluations_of, settle
from surrobust.searches.sharing.storage import open_storage
from surrobust.sessions import run_search

BUDGET = 24

WORKER = """
import os, sys, time
from surrobust.sessions import run_search
from surrobust.searches.sharing import lease

storage, study, log, budget = sys.argv[1:]
lease._machine = lambda: f"host-{os.getpid()}"  # each on a machine of its own: heartbeats decide

def note(word, cell):
    with open(log, "a") as file:
        file.write(f"{word} {os.getpid()} {cell.index}\\n")

def objective(cell):
    note("begun", cell)
    time.sleep(0.4)
    note("ended", cell)
    return cell.index / 15625

run_search(
    objective, budget=int(budget), strategy="random", storage=storage, study=study, heartbeat=2.0
)
"""


def read(log):
    lines = log.read_text().splitlines() if log.exists() else []
    return [(word, int(pid), int(index)) for word, pid, index in (s.split() for s in lines)]


def is_in_mid_trial(process, log):
    own = [line for line in read(log) if line[1] == process.pid]
    return len(own) >= 3 and own[-1][0] == "begun"


def kill_in_mid_trial(process, log):
    """Kill a worker in its second trial or later; return the architecture's index."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        assert process.poll() is None, "the worker ended by itself"
        if is_in_mid_trial(process, log):
            process.send_signal(signal.SIGSTOP)
            if is_in_mid_trial(process, log):
                process.send_signal(signal.SIGKILL)
                process.wait()
                return [index for _, pid, index in read(log) if pid == process.pid][-1]
            process.send_signal(signal.SIGCONT)
        assert process.poll() is None, "the worker ended by itself"
        time.sleep(0.02)
    raise AssertionError("the worker was never in mid-trial")


def test_two_of_four_workers_are_killed(storage, study, tmp_path):
    log = tmp_path / "log"
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(surrobust.__file__).parents[1]),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-c", WORKER, storage, study, str(log), str(BUDGET)]
    workers = [subprocess.Popen(command, env=environment) for _ in range(4)]
    try:
        lost = [kill_in_mid_trial(worker, log) for worker in workers[:2]]
        assert [worker.wait(timeout=300) for worker in workers[2:]] == [0, 0]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    with Ledger(open_storage(storage), study, {}, maximise=True) as ledger:
        claims = ledger.claims()
    evaluations = evaluations_of(settle(claims, budget=BUDGET, n_functions=4930), "toy")
    measured = [e.architecture.index for e in evaluations]
    # Exactly the budget, and as many trials of Optuna's are complete.
    assert len(measured) == len(set(measured)) == BUDGET
    assert len([c for c in claims if c.value is not None]) == BUDGET
    assert not [c for c in claims if c.open]
    assert len({e.architecture.function_class for e in evaluations}) == BUDGET
    # None lost: what the killed had begun was measured by others. None doubled: all ended once.
    assert set(lost) <= set(measured)
    ended = Counter(index for word, _, index in read(log) if word == "ended")
    assert ended == Counter(measured)
    killed = {worker.pid for worker in workers[:2]}
    ended_lost = {pid for word, pid, index in read(log) if word == "ended" and index in lost}
    assert not ended_lost & killed


@pytest.mark.timeout(300)
@pytest.mark.parametrize("after", ["return 0.99", "raise FloatingPointError('nan')"])
def test_a_suspended_worker_does_no_harm_when_it_wakes_up(storage, study, tmp_path, after):
    code = f"""
from shareable import by_index
from surrobust.sessions import run_search

def suspended_at_first(cell):
    if Path(sys.argv[3]).exists():
        return by_index(cell)
    Path(sys.argv[3]).touch()
    print("here", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
    {after}

run_search(
    suspended_at_first, budget=5, strategy="random", storage=sys.argv[1], study=sys.argv[2]
)
"""
    with stopped(code, storage, study, tmp_path / "slept") as sleeper:
        given = {"strategy": "random", "storage": storage, "study": study, "heartbeat": 0.5}
        result = run_search(by_index, budget=5, **given)
        assert [e.value for e in result.evaluations] == [
            by_index(e.architecture) for e in result.evaluations
        ]
        sleeper.send_signal(signal.SIGCONT)
        assert sleeper.wait(timeout=200) == 0
    with Ledger(open_storage(storage), study, {}, maximise=True) as ledger:
        claims = ledger.claims()
    assert evaluations_of(settle(claims, budget=5, n_functions=4930), "callable") == (
        result.evaluations
    )
    assert [c.released for c in claims].count(True) == 1
    assert len(claims) == 6

"""Processes that work together, some of which end badly."""

import logging
import multiprocessing
import os
import re
import signal
from functools import partial

import pytest
from shareable import by_index, deadly, do, sleeps_with_the_lock_once

from surrobust.errors import InvalidInputError, StorageLostError, WorkersLostError
from surrobust.searches import read_result
from surrobust.searches.sharing.storage import JOURNAL_NAME
from surrobust.sessions import processes, run_search

KILLED = r"\d of \d \(pid \d+\) was killed by SIGKILL \(out of memory\?\)"

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="signals of POSIX"),
    pytest.mark.timeout(300),  # what is shown is that nobody waits for ever
]


needs_waitid = pytest.mark.skipif(
    not hasattr(os, "waitid"), reason="the system does not say who is suspended"
)


@pytest.fixture
def run(tmp_path):
    """Run a process for each word of ``how``."""

    def run_all(how, *, is_complete=lambda: False, look=lambda: None, payload=b""):
        work = partial(do, how.split(), str(tmp_path), payload)
        processes.run_processes(work, len(how.split()), look, is_complete, is_complete)

    return run_all


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        ("die", r"was killed by SIGKILL \(out of memory\?\)"),
        ("terminate", "was killed by SIGTERM"),
        ("leave", "ended with exit code 0"),
        ("exit", "ended with exit code 7"),
        ("raise", "ended: ZeroDivisionError: division by nothing"),
        ("refuse", "ended: x: expected one thing, got another"),
    ],
)
def test_who_ends_is_named_and_the_others_go_on(run, caplog, deed, told):
    with caplog.at_level(logging.WARNING):
        run(f"{deed} return")
    (message,) = caplog.messages
    pattern = rf"workers: [12] of 2 \(pid \d+\) {told}(, the others go on)?"  # if not done already
    assert re.fullmatch(pattern, message)


@pytest.mark.parametrize(
    ("deeds", "error", "told"),
    [
        ("die die", WorkersLostError, f"workers: {KILLED}, {KILLED}"),
        ("leave exit", WorkersLostError, "exit code"),
        ("die raise", RuntimeError, "a worker ended: ZeroDivisionError: division by nothing"),
        ("die refuse", InvalidInputError, "x: expected one thing, got another"),
        ("shout shout", RuntimeError, "a worker ended: ValueError: loudloud"),
        ("die lose", StorageLostError, "^storage: expected a database that answers, got none$"),
    ],
)
def test_where_all_have_ended_that_is_raised(run, deeds, error, told):
    with pytest.raises(error, match=told):
        run(deeds)


def test_where_all_is_done_it_does_not_matter_who_was_killed(run):
    run("die die", is_complete=lambda: True)


def test_who_hangs_when_all_is_done_is_not_waited_for(run, caplog, monkeypatch):
    monkeypatch.setattr(processes, "_GRACE", 0.1)
    run("hang return", is_complete=lambda: True)
    assert re.search(r"workers: [12] of 2 .* does not end though all is done: killed", caplog.text)
    assert not multiprocessing.active_children()


SUSPENDED = r"[12] of 2 \(pid \d+\) is suspended \(kill -CONT wakes it\); in [\d.]+ s it is killed"


@needs_waitid
@pytest.mark.parametrize(("deeds", "n_killed"), [("hang die", 1), ("hang hang", 2)])
def test_who_is_suspended_is_not_waited_for_without_end(run, caplog, monkeypatch, deeds, n_killed):
    monkeypatch.setattr(processes, "_SLEEP", 0.5)
    with pytest.raises(WorkersLostError, match=r"was suspended for 0.5 s: killed") as caught:
        run(deeds)
    assert str(caught.value).count("suspended") == n_killed
    assert len(re.findall(f"workers: {SUSPENDED}", caplog.text)) == n_killed
    assert not multiprocessing.active_children()


@needs_waitid
def test_who_wakes_up_goes_on(run, caplog):
    run("nap return")
    assert len(re.findall(f"workers: {SUSPENDED}", caplog.text)) == 1
    assert "was" not in caplog.text


@needs_waitid
def test_a_search_goes_on_where_one_sleeps_with_the_journals_lock(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(processes, "_SLEEP", 0.5)
    monkeypatch.setenv("DEADLY", str(tmp_path / "deadly"))
    monkeypatch.setenv("JOURNAL", str(tmp_path / JOURNAL_NAME))
    given = {"strategy": "random", "workers": 2, "out": tmp_path, "heartbeat": 0.5}
    result = run_search(sleeps_with_the_lock_once, budget=6, **given)
    assert re.search(r"workers: [12] of 2 \(pid \d+\) was suspended for 0.5 s: killed", caplog.text)
    assert len({e.architecture for e in result.evaluations}) == 6
    assert all(e.value == by_index(e.architecture) for e in result.evaluations)
    assert read_result(tmp_path) == result


def test_who_is_killed_before_the_job_is_read_does_not_stop_the_others(run, caplog, monkeypatch):
    start, started = processes._Worker.start, []

    def start_and_kill_the_first(worker):
        start(worker)
        started.append(worker)
        if len(started) == 1:
            os.kill(worker._process.pid, signal.SIGKILL)

    monkeypatch.setattr(processes._Worker, "start", start_and_kill_the_first)
    run("return return", payload=bytes(10**7))  # more than a pipe takes without a reader
    assert re.search(rf"workers: {KILLED}", caplog.text)


def test_processes_end_where_looking_fails(run):
    def look():
        raise KeyError("no progress")

    with pytest.raises(KeyError, match="no progress"):
        run("hang hang", look=look)
    assert not multiprocessing.active_children()


def test_a_search_whose_workers_are_all_killed_is_resumed(tmp_path, monkeypatch):
    (tmp_path / "deadly").mkdir()
    monkeypatch.setenv("DEADLY", str(tmp_path / "deadly"))
    given = {"strategy": "random", "workers": 2, "out": tmp_path / "out"}
    with pytest.raises(WorkersLostError, match=f"{KILLED}, {KILLED}") as caught:
        run_search(deadly, budget=9, **given)
    kept = read_result(tmp_path / "out").evaluations
    assert len(kept) == 4
    assert caught.value.__notes__ == [
        "4 of 9 evaluations are kept, --resume (resume=True) goes on",
    ]
    with pytest.raises(WorkersLostError):
        run_search(deadly, budget=9, **given, resume=True)
    whole = run_search(deadly, budget=9, **given, resume=True)
    assert len({e.architecture for e in whole.evaluations}) == 9
    values = {e.architecture: e.value for e in whole.evaluations}
    assert [values[e.architecture] for e in kept] == [e.value for e in kept]
    del given["out"]
    with pytest.raises(WorkersLostError) as caught:
        run_search(deadly, budget=9, **given)
    assert caught.value.__notes__ == ["nothing is kept without --out or --storage (out, storage)"]

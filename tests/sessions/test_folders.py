"""Several searches in one folder: who may, and that `search.json` goes only forward."""

import json
import os
import re
import signal
from dataclasses import replace

import pytest
from killed import run_until_killed, stopped
from shareable import by_index

from surrobust._locks import hold
from surrobust.errors import InvalidInputError
from surrobust.searches import Evaluation, SearchResult, read_result
from surrobust.sessions import folders, run_search
from surrobust.sessions.folders import shared_writer
from surrobust.spaces import Architecture

posix = pytest.mark.skipif(os.name == "nt", reason="locks and signals of POSIX")

SEARCH = """
from shareable import by_index
from surrobust.sessions import run_search

seen = []

def slow(cell):
    seen.append(cell)
    if len(seen) == 4:
        {}()
    return by_index(cell)

run_search(slow, budget=8, strategy="random", study="s", **eval(sys.argv[2]), out=sys.argv[1])
"""
LONE, SHARED = {}, {"workers": 2}


def shared_with(tmp_path):
    return {"storage": str(tmp_path / "journal")}


@posix
@pytest.mark.parametrize("given", [LONE, SHARED])
@pytest.mark.parametrize("resume", [True, False])
def test_a_lone_search_is_alone_in_its_folder(tmp_path, given, resume):
    out = tmp_path / "out"
    with stopped(SEARCH.format("stop_here"), out, {}) as first:
        before = (out / "search.json").read_bytes()
        said = rf"^{re.escape(str(out))}: expected nobody .*, got process {first.pid} on "
        with pytest.raises(InvalidInputError, match=said):
            run_search(by_index, budget=8, strategy="random", out=out, resume=resume, **given)
        assert (out / "search.json").read_bytes() == before
    whole = run_search(by_index, budget=8, strategy="random", out=tmp_path / "whole")
    assert run_search(by_index, out=out, resume=True) == whole
    assert [path.name for path in out.iterdir()] == ["search.json"]


@posix
def test_those_who_share_a_search_share_its_folder_but_with_no_other(tmp_path):
    out, given = tmp_path / "out", shared_with(tmp_path)
    with stopped(SEARCH.format("stop_here"), out, given) as first:
        with pytest.raises(InvalidInputError, match=f"got process {first.pid} on "):
            run_search(by_index, out=out, resume=True)
        begun = read_result(out)
        kwargs = {"budget": 8, "strategy": "random", "study": "s", "heartbeat": 0.2}
        found = run_search(by_index, **kwargs, **given, out=out)
    assert begun.evaluations[:3] == found.evaluations[:3]
    assert read_result(out) == found
    assert len(found.evaluations) == 8


@posix
def test_a_search_that_is_killed_holds_nothing(tmp_path):
    run_until_killed(SEARCH.format("die_here"), tmp_path, {})
    assert len(read_result(tmp_path).evaluations) == 3
    assert len(run_search(by_index, out=tmp_path, resume=True).evaluations) == 8


@posix
def test_a_suspended_search_that_wakes_takes_nothing_back(tmp_path):
    """It holds the folder while it sleeps."""
    code = SEARCH.replace("{}()", "print('here', flush=True), os.kill(os.getpid(), signal.SIGSTOP)")
    with stopped(code, tmp_path, {}) as first:
        os.waitpid(first.pid, os.WUNTRACED)
        with pytest.raises(InvalidInputError, match=f"got process {first.pid} on "):
            run_search(by_index, budget=12, out=tmp_path, resume=True)
        os.kill(first.pid, signal.SIGCONT)
        assert first.wait(timeout=300) == 0
    assert len(read_result(tmp_path).evaluations) == 8


def test_what_went_on_before_the_folder_was_held_is_not_taken_back(tmp_path, monkeypatch):
    run_search(by_index, budget=3, strategy="random", out=tmp_path)
    begun, hold_folder = [], folders.hold_folder

    def late(*args, **kwargs):
        if not begun:
            begun.append(1)
            run_search(by_index, budget=6, out=tmp_path, resume=True)
        return hold_folder(*args, **kwargs)

    monkeypatch.setattr("surrobust.sessions.task.hold_folder", late)
    with pytest.raises(InvalidInputError, match="out: expected a search that rests, got one that"):
        run_search(by_index, budget=4, out=tmp_path, resume=True)
    assert len(read_result(tmp_path).evaluations) == 6


def searched(n, **changes):
    cells = [Architecture.parse(code).representative for code in ("333333", "222222", "444444")]
    rows = tuple(Evaluation(cell, 0.5, trial, "table") for trial, cell in enumerate(cells[:n]))
    plan = SearchResult("jung2023/cifar10/pgd-1", "table", "random", 5, 0, rows)
    return replace(plan, **changes)


def test_of_two_states_of_a_search_the_later_stays(tmp_path):
    one, other = shared_writer(tmp_path), shared_writer(tmp_path)
    for write, n, kept in ((one, 0, 0), (other, 2, 2), (one, 1, 2), (one, 3, 3), (other, 2, 3)):
        write(searched(n))
        assert read_result(tmp_path) == searched(kept)
    other(searched(3, budget=9))
    assert read_result(tmp_path).budget == 9
    assert [path.name for path in tmp_path.iterdir()] == ["search.json"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"seed": 1}, "seed: expected 0 as in the search to be resumed, got 1"),
        ({"strategy": "evolution"}, "strategy: expected 'random' as"),
        ({"target": "jung2023/cifar10/clean"}, "target: expected 'jung2023/cifar10/pgd-1' as"),
        ({"objective": "surrogate"}, "objective: expected 'table' as"),
        ({"prior": "given"}, "prior: expected 'none' as"),
        ({"warm_start": 2}, "warm_start: expected 0 as"),
        ({"evaluations": searched(3).evaluations[1:]}, "1 evaluations that it has not, such as of"),
    ],
)
def test_another_search_is_not_written_over(tmp_path, change, told):
    shared_writer(tmp_path)(searched(2))
    with pytest.raises(InvalidInputError, match=f"^{re.escape(str(tmp_path))}.*{told}"):
        shared_writer(tmp_path)(searched(3, **change))
    assert read_result(tmp_path) == searched(2)


@posix
def test_who_does_not_finish_writing_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "_PATIENCE", 0.1)
    with hold(tmp_path / "search.json.writing"):
        with pytest.raises(InvalidInputError, match=f"got process {os.getpid()} on "):
            shared_writer(tmp_path)(searched(1))
        assert not (tmp_path / "search.json").exists()


def test_who_joins_a_search_finds_what_the_study_has_lost(tmp_path):
    given = {"storage": tmp_path / "journal", "study": "s", "out": tmp_path, "budget": 12}
    whole = run_search(by_index, strategy="random", **given)
    (tmp_path / "search.json").write_text(
        replace(whole, evaluations=whole.evaluations[:9]).to_json()
    )
    lines = (tmp_path / "journal").read_text().splitlines(keepends=True)
    (tmp_path / "journal").write_text("".join(lines[: len(lines) // 3]))
    asked = []

    def noting(cell):
        asked.append(cell)
        return by_index(cell)

    assert run_search(noting, strategy="random", **given) == whole
    assert asked == [e.architecture for e in whole.evaluations[9:]]


def test_a_search_of_another_study_is_refused_before_it_works(tmp_path):
    run_search(by_index, budget=2, strategy="random", out=tmp_path / "out")
    given = {"storage": tmp_path / "journal", "study": "s", "budget": 2, "seed": 1}
    run_search(by_index, strategy="random", **given)
    before = json.loads((tmp_path / "out/search.json").read_text())
    with pytest.raises(InvalidInputError, match="out: seed: expected 0 as in the search to be"):
        run_search(by_index, strategy="random", out=tmp_path / "out", **given)
    assert json.loads((tmp_path / "out/search.json").read_text()) == before

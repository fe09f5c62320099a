"""Searches that workers share, as users start them."""

import json
import logging
import re
import threading

import pytest
from killed import run_until_killed
from shareable import by_index, deadly_once, diverging, failing

from surrobust.errors import InvalidInputError, StorageLostError
from surrobust.objectives import Objective, sources
from surrobust.searches import read_result
from surrobust.searches.sharing.ledger import Ledger
from surrobust.sessions import run_search, search

TARGET = "jung2023/cifar10/pgd-1"


@pytest.fixture
def kwargs(tmp_path):
    return {
        "budget": 8,
        "strategy": "random",
        "storage": tmp_path / "journal",
        "study": "s",
        "heartbeat": 0.5,
    }


def test_one_worker_finds_what_a_plain_search_finds(tmp_path, kwargs):
    shared = run_search(by_index, **kwargs, out=tmp_path / "shared")
    plain = run_search(by_index, budget=8, strategy="random", out=tmp_path / "plain")
    assert shared == plain
    texts = [(tmp_path / name / "search.json").read_text() for name in ("shared", "plain")]
    assert texts[0] == texts[1]


def test_a_lost_storage_is_told_with_what_is_kept(monkeypatch, kwargs):
    complete = Ledger.complete

    def complete_two(self, claim, value):
        if claim.number == 2:
            msg = "storage: away"
            raise StorageLostError(msg)
        complete(self, claim, value)

    monkeypatch.setattr(Ledger, "complete", complete_two)
    with pytest.raises(StorageLostError) as caught:
        run_search(by_index, **kwargs)
    assert caught.value.__notes__ == ["2 of 8 evaluations are kept, --resume (resume=True) goes on"]


def test_the_same_call_takes_part_and_a_finished_search_stays(tmp_path, kwargs):
    results, errors = [], []

    def work():
        try:
            results.append(run_search(by_index, **kwargs, out=tmp_path / "out"))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert results[0] == results[1] == results[2] == read_result(tmp_path / "out")
    assert len({e.architecture for e in results[0].evaluations}) == 8

    def never(_):
        raise AssertionError

    assert run_search(never, **kwargs, out=tmp_path / "out") == results[0]


def test_processes_share_a_search(tmp_path):
    seen = []
    result = run_search(
        by_index,
        budget=12,
        strategy="random",
        workers=3,
        out=tmp_path,
        progress=lambda so_far: seen.append(len(so_far.evaluations)),
    )
    assert len({e.architecture for e in result.evaluations}) == 12
    assert all(e.value == by_index(e.architecture) for e in result.evaluations)
    assert read_result(tmp_path) == result
    assert seen == sorted(set(seen))
    assert seen[-1] == 12
    # What was shared is continued so, with its options, by one worker or by several.
    resumed = run_search(by_index, budget=14, out=tmp_path, resume=True)
    assert resumed.evaluations[:12] == result.evaluations
    assert len(resumed.evaluations) == 14
    assert resumed.strategy == "random"


def test_a_plain_search_is_continued_by_several(tmp_path):
    plain = run_search(by_index, budget=6, strategy="random", seed=2, out=tmp_path)
    more = run_search(by_index, budget=9, workers=2, out=tmp_path, resume=True)
    assert more.evaluations[:6] == plain.evaluations
    assert (len(more.evaluations), more.seed) == (9, 2)


@pytest.mark.parametrize("workers", [1, 2])
def test_what_fails_is_shared_counted_and_named(tmp_path, workers, caplog):
    begun = run_search(diverging, budget=5, strategy="random", out=tmp_path)
    kwargs = {"out": tmp_path, "resume": True, "workers": workers}
    with caplog.at_level(logging.WARNING):
        result = run_search(diverging, budget=12, **kwargs)
    assert len({e.architecture for e in result.evaluations}) == 12
    assert result.evaluations[:5] == begun.evaluations
    assert read_result(tmp_path) == result
    for e in result.evaluations:
        assert e.failed is (e.architecture.index % 4 < 2)
        assert e.failed or e.value == by_index(e.architecture)
    n = len(result.failures)
    assert 0 < n < 12
    assert f"failed: {n} of 12 evaluations: {result.failures[0].architecture.code}: " in caplog.text


def test_workers_that_may_not_fail_end_the_search(tmp_path):
    with pytest.raises((InvalidInputError, RuntimeError)) as raised:
        run_search(
            diverging, budget=30, strategy="random", workers=2, out=tmp_path, on_failure="raise"
        )
    assert "for " in str(raised.value) or "the loss is nan" in str(raised.value)
    assert read_result(tmp_path).failures == ()


def test_a_journal_may_be_deleted_and_one_that_is_older_takes_nothing_away(tmp_path, kwargs):
    asked = []

    def noting(cell):
        asked.append(cell)
        return by_index(cell)

    def search_until(budget):
        return run_search(noting, **{**kwargs, "budget": budget}, out=tmp_path / "out", resume=True)

    journal, older = tmp_path / "journal", tmp_path / "older"
    search_until(4)
    journal.rename(older)
    search_until(6)  # in a new one
    older.rename(journal)
    last = search_until(8)
    assert [e.architecture for e in last.evaluations] == asked
    assert len(set(asked)) == 8


def test_a_process_that_is_killed_while_it_fills_a_study_loses_nothing(tmp_path):
    plain = run_search(by_index, budget=6, strategy="random", out=tmp_path)
    code = """
from shareable import by_index
from surrobust.sessions import run_search
from surrobust.searches.sharing.ledger import Ledger

claim, times = Ledger.claim, []

def claim_and_die(self, *given):
    times.append(given)
    made = claim(self, *given)
    return made if len(times) < 4 else die_here()

Ledger.claim = claim_and_die
run_search(by_index, budget=8, storage=sys.argv[2], study="s", out=sys.argv[1], resume=True)
"""
    run_until_killed(code, tmp_path, tmp_path / "journal")
    assert read_result(tmp_path).evaluations == plain.evaluations
    asked = []

    def noting(cell):
        asked.append(cell)
        return by_index(cell)

    given = {"storage": tmp_path / "journal", "study": "s", "out": tmp_path, "resume": True}
    more = run_search(noting, budget=8, **given)
    assert more.evaluations[:6] == plain.evaluations
    assert [e.architecture for e in more.evaluations[6:]] == asked


def test_an_error_of_all_workers_is_raised(tmp_path):
    with pytest.raises(RuntimeError, match="a worker ended: ZeroDivisionError: division by noth"):
        run_search(failing, budget=3, strategy="random", workers=2, out=tmp_path)
    assert read_result(tmp_path).evaluations == ()


def test_the_others_do_the_work_of_a_process_that_is_killed(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("DEADLY", str(tmp_path / "deadly"))
    with caplog.at_level(logging.WARNING):
        result = run_search(deadly_once, budget=6, strategy="random", workers=2, out=tmp_path)
    assert len({e.architecture for e in result.evaluations}) == 6
    told = r"workers: [12] of 2 \(pid \d+\) was killed by SIGKILL \(out of memory\?\)"
    assert re.search(told, caplog.text)


def test_an_objective_that_cannot_be_sent_is_refused():
    with pytest.raises(InvalidInputError, match="workers: expected an objective that other proc"):
        run_search(lambda _: 0.0, budget=3, strategy="random", workers=2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"budget": 9}, "budget: expected 8 as in study 's' .--resume raises it., got 9"),
        ({"seed": 1}, "seed: expected 0 as in study"),
        ({"strategy": "evolution"}, "strategy: expected 'random' as in study"),
        ({"study": None}, "study: expected a name"),
        ({"workers": 0}, "workers: expected an integer of at least 1"),
        ({"heartbeat": 0}, "heartbeat: expected seconds above 0"),
        ({"heartbeat": "x"}, "heartbeat: expected seconds above 0"),
        ({"batch": 4}, "batch: expected none where workers share a search"),
    ],
)
def test_bad_arguments_are_refused(kwargs, change, message):
    run_search(by_index, **kwargs)
    with pytest.raises(InvalidInputError, match=message):
        run_search(by_index, **{**kwargs, **change})


def test_a_budget_is_raised_by_resuming_and_not_lowered(kwargs):
    first = run_search(by_index, **kwargs)
    more = run_search(by_index, **{**kwargs, "budget": 11}, resume=True)
    assert more.evaluations[:8] == first.evaluations
    assert len(more.evaluations) == 11
    assert run_search(by_index, **{**kwargs, "budget": None}, resume=True) == more
    with pytest.raises(InvalidInputError, match="budget: expected 11 as in study"):
        run_search(by_index, **kwargs, resume=True)


def test_a_search_that_the_storage_does_not_have_is_not_written_over(tmp_path, kwargs):
    run_search(by_index, budget=3, strategy="random", out=tmp_path / "out")
    before = (tmp_path / "out/search.json").read_text()
    with pytest.raises(InvalidInputError, match="out: expected a folder without a search"):
        run_search(by_index, **kwargs, out=tmp_path / "out")
    assert (tmp_path / "out/search.json").read_text() == before
    assert not (tmp_path / "journal").exists()


def test_a_target_names_its_study(tmp_path, monkeypatch):
    import optuna

    monkeypatch.setattr(sources, "table_objective", lambda *_, **__: Objective("table", by_index))
    place = tmp_path / "journal"
    for seed in (0, 1):
        search(TARGET, budget=4, strategy="random", seed=seed, storage=place)
    monkeypatch.setattr(sources, "surrogate_objective", lambda _: Objective("surrogate", by_index))
    with pytest.raises(InvalidInputError, match="objective: expected 'table' as in study"):
        search(TARGET, budget=4, strategy="random", objective="surrogate", storage=place)
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(place)))
    studies = optuna.get_all_study_summaries(storage)
    assert [s.study_name for s in studies] == [f"{TARGET} random seed {s}" for s in (0, 1)]
    assert [s.n_trials for s in studies] == [4, 4]


def test_a_journal_holds_no_pickle(tmp_path, kwargs):
    run_search(by_index, **kwargs)
    lines = (tmp_path / "journal").read_text().splitlines()
    assert all(isinstance(json.loads(line), dict) for line in lines)

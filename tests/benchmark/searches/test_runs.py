"""Runs are kept: broken off and started again they are those of a run without a break."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from surrobust._locks import hold
from surrobust.benchmark.searches import Climb, SearchRun, read_runs, run_searches, write_runs
from surrobust.benchmark.searches import runs as module
from surrobust.errors import InvalidInputError

TARGET = "jung2023/cifar10/clean"
NAMES = ["random", "optuna-random"]

pytestmark = pytest.mark.usefixtures("tables")


class KilledError(Exception):
    """What stops a run."""


def whole(path: Path, **options) -> list[SearchRun]:
    done = run_searches(
        NAMES, targets=[TARGET], budgets=[5, 8], seeds=range(3), out=path, **options
    )
    return [replace(run, seconds=0.0) for run in done]


def test_resumed_is_uninterrupted(tmp_path: Path):
    expected = whole(tmp_path / "whole.csv")
    assert [run.key for run in expected] == [
        (name, TARGET, seed, 8) for name in sorted(NAMES) for seed in range(3)
    ]

    def kill(done: int, total: int, run: SearchRun) -> None:
        if done == 4:
            raise KilledError

    with pytest.raises(KilledError):
        whole(tmp_path / "part.csv", progress=kill)
    assert len(read_runs(tmp_path / "part.csv")) == 4
    told = []
    resumed = whole(tmp_path / "part.csv", progress=lambda *each: told.append(each[:2]))
    assert told == [(5, 6), (6, 6)]
    assert resumed == expected
    kept = [replace(run, seconds=0.0) for run in read_runs(tmp_path / "part.csv")]
    assert kept == expected


def test_a_longer_run_serves_a_smaller_budget_and_other_runs_are_kept(tmp_path: Path):
    path = tmp_path / "runs.csv"
    run_searches(["random"], targets=[TARGET], budgets=[9], seeds=[0, 7], out=path)
    told = []
    (found,) = run_searches(
        ["random"],
        targets=[TARGET],
        budgets=[4],
        seeds=[7],
        out=path,
        progress=lambda *each: told.append(each),
    )
    assert (told, found.budget) == ([], 9)
    run_searches(["random"], targets=[TARGET], budgets=[11], seeds=[7], out=path)
    assert [run.key[2:] for run in read_runs(path)] == [(0, 9), (7, 9), (7, 11)]


def test_two_processes_do_not_write_the_same_file(tmp_path: Path):
    out = tmp_path / "runs.csv"
    held = pytest.raises(InvalidInputError, match=f"got process {os.getpid()} on ")
    with hold(f"{out}.lock"), held:
        run_searches([], targets=[], budgets=[5], out=out)


def test_who_plans_ahead_runs_for_each_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def once(strategy, target, *, budget, seed, data_dir):
        return SearchRun(strategy, target, seed, budget, Climb(((1, 0),)), 1.0)

    monkeypatch.setattr(module, "search_once", once)
    monkeypatch.setattr(module.PEERS["smac"], "check_installed", lambda: None)
    done = run_searches(
        ["smac", "tpe"], targets=[TARGET], budgets=[5, 8], seeds=[0], out=tmp_path / "runs.csv"
    )
    assert [run.key for run in done] == [
        ("smac", TARGET, 0, 5),
        ("smac", TARGET, 0, 8),
        ("tpe", TARGET, 0, 8),
    ]


@pytest.mark.tables
def test_processes_do_the_same(tmp_path: Path, data_dir: Path):
    arguments = {"targets": [TARGET], "budgets": [4], "seeds": [0, 1], "data_dir": data_dir}
    found = [
        run_searches(["evolution"], out=tmp_path / f"{jobs}.csv", jobs=jobs, **arguments)
        for jobs in (1, 2)
    ]
    # One process has the toy table and the other two the real one: the cells are the same.
    assert [run.key for run in found[0]] == [run.key for run in found[1]]
    firsts = [[run.climb.steps[0] for run in each] for each in found]
    assert firsts[0] == firsts[1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"strategies": ["best"]}, "strategy: expected one of default, "),
        ({"targets": ["jung2023/cifar10/pgd-9"]}, "target: expected one of jung2023"),
        ({"budgets": [0]}, "budget: expected an integer of at least 1"),
        ({"budgets": []}, "budgets: expected at least one"),
        ({"seeds": [-1]}, "seed: expected an integer of at least 0"),
        ({"jobs": 0}, "jobs: expected an integer of at least 1"),
    ],
)
def test_what_cannot_be_run_is_refused(tmp_path: Path, arguments: dict, told: str):
    given = {"strategies": ["random"], "targets": [TARGET], "budgets": [5], "seeds": [0]}
    with pytest.raises(InvalidInputError, match=told):
        run_searches(**{**given, **arguments}, out=tmp_path / "runs.csv")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (f"best,{TARGET},0,5,1:0,1", "strategy: expected one of"),
        ("tpe,jung2023/cifar10/pgd-9,0,5,1:0,1", "target: expected"),
        (f"tpe,{TARGET},0,5,2:0,1", "line 2: expected one run, got '2:0' as climb"),
        (f"tpe,{TARGET},0,5,1:0", "line 2: expected one run, got 5 fields instead of 6"),
    ],
)
def test_damaged_runs_are_refused(tmp_path: Path, line: str, told: str):
    path = tmp_path / "runs.csv"
    write_runs(path, [])
    path.write_text(f"{path.read_text()}{line}\n")
    with pytest.raises(InvalidInputError) as caught:
        read_runs(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert told in str(caught.value)

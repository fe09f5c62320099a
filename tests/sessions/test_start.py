"""Searches as users start them: budgets, files, resuming after a crash."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import surrobust
from surrobust.errors import InvalidInputError, MissingMeasurementError
from surrobust.objectives import Objective, sources
from surrobust.searches import SEARCHES, read_result
from surrobust.sessions import (
    GRADIENT_STRATEGIES,
    GradientOptions,
    make_search,
    run_search,
    search,
    start,
    task,
)
from surrobust.spaces import Architecture

NAMES = sorted(set(SEARCHES) - {"surrogate", *GRADIENT_STRATEGIES})
every_strategy = pytest.mark.parametrize("name", NAMES)


def smooth(cell: Architecture) -> float:
    return 0.3 + sum((1 + 0.1 * e) * (op in (2, 3)) * 0.05 for e, op in enumerate(cell.ops))


class CrashError(Exception):
    """What a failing objective raises."""


def crashing_after(n):
    calls = []

    def objective(cell):
        calls.append(cell)
        if len(calls) > n:
            raise CrashError
        return smooth(cell)

    return objective


@every_strategy
def test_resumed_equals_uninterrupted(tmp_path, name):
    whole = run_search(smooth, budget=16, strategy=name, seed=3, out=tmp_path / "whole")
    with pytest.raises(CrashError):
        run_search(crashing_after(12), budget=16, strategy=name, seed=3, out=tmp_path / "part")
    assert len(read_result(tmp_path / "part").evaluations) == 12
    resumed = run_search(
        smooth, budget=16, strategy=name, seed=3, out=tmp_path / "part", resume=True
    )
    assert resumed == whole
    assert (tmp_path / "part/search.json").read_text() == (
        tmp_path / "whole/search.json"
    ).read_text()


def test_a_killed_process_leaves_a_file_to_resume_from(tmp_path):
    code = (
        "import sys, time; from surrobust.sessions import run_search\n"
        "def slow(cell): time.sleep(0.05); return cell.index / 15625\n"
        "run_search(slow, budget=400, strategy='random', seed=1, out=sys.argv[1])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(Path(surrobust.__file__).parents[1])},
    )
    path, deadline = tmp_path / "search.json", time.monotonic() + 300
    while time.monotonic() < deadline:
        assert process.poll() is None, "the search ended by itself"
        if path.exists() and len(json.loads(path.read_text())["evaluations"]) >= 3:
            break
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    n_done = len(read_result(path).evaluations)
    assert n_done >= 3
    kwargs = {"budget": n_done + 5, "strategy": "random", "seed": 1}
    asked = []

    def fast(cell):
        asked.append(cell)
        return cell.index / 15625

    resumed = run_search(fast, **kwargs, out=tmp_path, resume=True)
    assert len(asked) == 5
    assert resumed == run_search(fast, **kwargs)


def test_the_file_is_written_after_every_evaluation(tmp_path):
    lengths = []
    run_search(
        smooth,
        budget=4,
        strategy="random",
        out=tmp_path,
        progress=lambda _: lengths.append(len(read_result(tmp_path).evaluations)),
    )
    assert lengths == [1, 2, 3, 4]


def test_resuming_without_a_file_starts_and_a_finished_search_stays(tmp_path):
    first = run_search(smooth, budget=5, strategy="random", out=tmp_path, resume=True)
    again = run_search(crashing_after(0), budget=5, strategy="random", out=tmp_path, resume=True)
    assert again == first


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1}, "seed: expected 0"),
        ({"strategy": "evolution"}, "strategy: expected 'random'"),
        ({"budget": 4}, "budget: expected at least the 5 evaluations"),
    ],
)
def test_another_search_is_not_resumed(tmp_path, change, message):
    kwargs = {"budget": 5, "strategy": "random", "seed": 0}
    run_search(smooth, **kwargs, out=tmp_path)
    before = (tmp_path / "search.json").read_text()
    with pytest.raises(InvalidInputError, match=message):
        run_search(smooth, **{**kwargs, **change}, out=tmp_path, resume=True)
    assert (tmp_path / "search.json").read_text() == before


def test_resuming_needs_no_options(tmp_path):
    whole = run_search(smooth, budget=9, strategy="evolution", seed=4)
    run_search(smooth, budget=6, strategy="evolution", seed=4, out=tmp_path)
    assert run_search(smooth, budget=9, out=tmp_path, resume=True) == whole
    assert run_search(smooth, out=tmp_path, resume=True) == whole


def test_a_search_is_not_written_over(tmp_path):
    run_search(smooth, budget=3, strategy="random", out=tmp_path)
    before = (tmp_path / "search.json").read_text()
    with pytest.raises(InvalidInputError, match="out: expected a folder without a search"):
        run_search(smooth, budget=3, strategy="random", seed=1, out=tmp_path)
    assert (tmp_path / "search.json").read_text() == before


def test_the_search_of_a_callable_is_not_resumed_as_that_of_a_target(tmp_path):
    run_search(smooth, budget=3, strategy="random", out=tmp_path)
    with pytest.raises(InvalidInputError, match="target: expected the search of a target"):
        search(out=tmp_path, resume=True)


def test_a_search_of_a_target_resumes_with_the_options_of_the_file(monkeypatch, tmp_path):
    monkeypatch.setattr(sources, "table_objective", lambda *_, **__: Objective("table", smooth))
    target = "jung2023/cifar10/pgd-1"
    first = search(target, budget=3, strategy="random", seed=2, out=tmp_path)
    more = search(budget=5, out=tmp_path, resume=True)
    assert more.evaluations[:3] == first.evaluations
    assert (more.target, more.seed, len(more.evaluations)) == (target, 2, 5)
    with pytest.raises(InvalidInputError, match="target: expected 'jung2023/cifar10/pgd-1' as in"):
        search("jung2023/cifar10/clean", out=tmp_path, resume=True)


@pytest.mark.parametrize("name", NAMES)
def test_batches_are_distinct_and_resumed(tmp_path, name):
    sizes = []

    def batched(cells):
        sizes.append(len(cells))
        return [smooth(cell) for cell in cells]

    kwargs = {"strategy": name, "seed": 1, "batch": 4}
    whole = run_search(batched, budget=16, **kwargs)
    assert sizes == [4, 4, 4, 4]
    assert len({e.architecture.function_class for e in whole.evaluations}) == 16
    sizes.clear()
    run_search(batched, budget=14, **kwargs, out=tmp_path)
    assert sizes == [4, 4, 4, 2]
    assert run_search(batched, budget=16, **kwargs, out=tmp_path, resume=True) == whole
    assert sizes[4:] == [2]


@pytest.mark.parametrize(
    ("batch", "values", "message"),
    [
        (3, [0.1, 0.2], "objective: expected a value for each of 3 cells, got 2"),
        (2, [0.1, "x"], "value: expected a finite number"),
        (0, [], "batch: expected an integer of at least 1"),
    ],
)
def test_bad_batches_are_refused(batch, values, message):
    with pytest.raises(InvalidInputError, match=message):
        run_search(lambda _: values, budget=4, strategy="random", batch=batch)


def test_evaluations_that_the_strategy_would_not_ask_for_are_refused(tmp_path):
    run_search(smooth, budget=5, strategy="random", out=tmp_path)
    path = tmp_path / "search.json"
    document = json.loads(path.read_text())
    del document["checksum"]
    cell = Architecture.parse("333333").representative
    document["evaluations"][2].update(architecture=cell.genotype, index=cell.index, value=0.0)
    best = sorted(document["evaluations"], key=lambda e: -e["value"])
    document["finalists"] = [{k: e[k] for k in ("architecture", "index", "value")} for e in best]
    path.write_text(json.dumps(document))
    with pytest.raises(InvalidInputError, match="as trial 2, which this strategy and seed ask for"):
        run_search(smooth, budget=6, strategy="random", out=tmp_path, resume=True)


def test_resume_needs_a_folder():
    with pytest.raises(InvalidInputError, match="resume: expected a folder"):
        run_search(smooth, budget=2, resume=True)


@pytest.mark.parametrize(
    ("value", "options"),
    [("0.3", {}), (True, {}), ([0.1], {}), (float("nan"), {"on_failure": "raise"})],
)
def test_a_value_that_is_no_number_is_refused_and_the_file_stays(tmp_path, value, options):
    values = iter([0.1, 0.2, value])
    with pytest.raises(InvalidInputError, match=r"value: expected a finite number.*\(trial 2\)"):
        run_search(lambda _: next(values), budget=5, strategy="random", out=tmp_path, **options)
    assert [e.value for e in read_result(tmp_path).evaluations] == [0.1, 0.2]


def fragile(cell: Architecture) -> float:
    if cell.index % 4 == 0:
        raise FloatingPointError("the loss is nan")
    return float("nan") if cell.index % 4 == 1 else smooth(cell)


@every_strategy
def test_what_fails_is_recorded_counted_and_resumed(tmp_path, name):
    whole = run_search(fragile, budget=16, strategy=name, seed=3, out=tmp_path / "whole")
    assert len(whole.evaluations) == 16
    assert {e.error for e in whole.failures} <= {
        "FloatingPointError: the loss is nan",
        "value: expected a finite number, got nan",
    }
    assert 0 < len(whole.failures) < 16
    assert not any(e.failed for e in whole.finalists)
    for row in json.loads((tmp_path / "whole/search.json").read_text())["evaluations"]:
        failed = row["index"] % 4 < 2
        assert (row["value"] is None, row.get("failed", False)) == (failed, failed)
    calls = []

    def crashing(cell):
        calls.append(cell)
        if len(calls) > 9:
            raise CrashError
        return fragile(cell)

    with pytest.raises(CrashError) as crashed:
        run_search(crashing, budget=16, strategy=name, seed=3, out=tmp_path / "part")
    assert crashed.value.__notes__ == [f"while {calls[-1].code} was measured (trial 9)"]
    resumed = run_search(
        fragile, budget=16, strategy=name, seed=3, out=tmp_path / "part", resume=True
    )
    assert resumed == whole
    assert (tmp_path / "part/search.json").read_text() == (
        tmp_path / "whole/search.json"
    ).read_text()


def test_failures_are_named_at_the_end(caplog):
    with caplog.at_level(logging.WARNING):
        result = run_search(lambda _: None, budget=7, strategy="random")
    assert result.all_failed
    assert result.finalists == ()
    first = result.evaluations[0].architecture.code
    (line,) = caplog.messages
    assert line.startswith(f"failed: 7 of 7 evaluations: {first}: value: expected a finite number")
    assert line.endswith("; and 2 more")
    assert result.to_frame()["value"].isna().all()


def test_of_several_objectives_a_missing_one_fails_the_evaluation(tmp_path):
    def measure(cell):
        return smooth(cell), float("nan") if cell.index % 2 else float(cell.index)

    kwargs = {"directions": ("maximize", "minimize"), "strategy": "nsga2", "out": tmp_path}
    result = run_search(measure, budget=20, maximum={"params": 1e6}, **kwargs)
    assert [e.failed for e in result.evaluations] == [
        bool(e.architecture.index % 2) for e in result.evaluations
    ]
    assert 0 < len(result.failures) < 20
    assert not any(e.failed for e in result.front)
    assert read_result(tmp_path) == result
    assert result.to_frame()["value_1"].isna().sum() == len(result.failures)
    more = run_search(measure, budget=24, out=tmp_path, resume=True)
    assert more.evaluations[:20] == result.evaluations


@pytest.mark.parametrize("word", ["ignore", None, True])
def test_what_failures_do_is_one_of_two_words(word):
    with pytest.raises(InvalidInputError, match="on_failure: expected one of record, raise"):
        run_search(smooth, budget=2, on_failure=word)
    with pytest.raises(InvalidInputError, match="on_failure: expected one of record, raise"):
        search(budget=2, objective="surrogate", on_failure=word)


def test_a_numpy_value_is_written_as_a_number(tmp_path):
    run_search(lambda _: np.float32(0.5), budget=2, strategy="random", out=tmp_path)
    assert read_result(tmp_path).evaluations[0].value == 0.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"budget": 0}, "budget: expected an integer of at least 1, got 0"),
        ({"budget": 2.5}, "budget: expected an integer"),
        ({"strategy": "annealing"}, "strategy: expected one of default"),
        ({"seed": -1}, "seed: expected an integer of at least 0"),
        ({"seed": "x"}, "seed: expected an integer"),
        ({"objective": 3}, "objective: expected a callable"),
        ({"strategy": "random", "prior": object()}, "prior: expected none with strategy random"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_written(tmp_path, change, message):
    with pytest.raises(InvalidInputError, match=message):
        run_search(**{"objective": smooth, **change}, out=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_budget_beyond_the_space_ends_with_the_space(monkeypatch, caplog, space):
    few = [Architecture.parse(code).representative for code in ("000200", "000300", "000400")]
    monkeypatch.setattr(
        task, "make_search", lambda *_, **__: SEARCHES["random"](space, candidates=few)
    )
    with caplog.at_level(logging.WARNING):
        result = run_search(smooth, budget=10, strategy="random")
    assert {e.architecture for e in result.evaluations} == set(few)
    assert "all 3 representatives are measured" in caplog.text


def test_latency_is_minimised_and_reported_as_measured(monkeypatch):
    monkeypatch.setattr(
        start,
        "make_objective",
        lambda *_, **__: Objective("table", lambda cell: float(cell.ops.count(3)) + 1.0),
    )
    result = search("hw-nas-bench/cifar10/fpga-latency", budget=30, strategy="evolution")
    values = [e.value for e in result.evaluations]
    assert min(values) >= 1.0
    assert result.finalists[0].value == min(values)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("pgd-8", "target: expected <benchmark>/<images>/<metric>"),
        ("nas-robbench-201/cifar10/pgd-9", "target: expected one of nas-robbench-201/cifar10"),
        ("nothing/cifar10/pgd-8", "benchmark: expected one of"),
    ],
)
def test_an_unknown_target_is_refused(target, message):
    with pytest.raises(InvalidInputError, match=message):
        search(target, budget=2)


def test_an_unknown_objective_is_refused():
    with pytest.raises(InvalidInputError, match="objective: expected one of auto, table, surr"):
        search(budget=2, objective="magic")


def test_auto_falls_back_to_the_surrogate_and_says_so(monkeypatch, caplog, tmp_path):
    def missing(*_, **__):
        raise MissingMeasurementError("not here")

    monkeypatch.setattr(sources, "table_objective", missing)
    monkeypatch.setattr(sources, "surrogate_objective", lambda _: Objective("surrogate", smooth))
    with caplog.at_level(logging.WARNING):
        result = search(budget=3, strategy="random", out=tmp_path)
    assert result.objective == "surrogate"
    assert {e.source for e in result.evaluations} == {"surrogate"}
    assert "a shipped predictor plays it" in caplog.text
    with pytest.raises(MissingMeasurementError):
        search(budget=3, objective="table")


def test_auto_resumes_with_the_objective_of_the_file(monkeypatch, tmp_path):
    monkeypatch.setattr(sources, "table_objective", lambda *_, **__: Objective("table", smooth))
    monkeypatch.setattr(sources, "surrogate_objective", lambda _: Objective("surrogate", smooth))
    search(budget=3, strategy="random", objective="surrogate", out=tmp_path)
    assert search(budget=4, strategy="random", out=tmp_path, resume=True).objective == "surrogate"
    with pytest.raises(InvalidInputError, match="objective: expected 'surrogate'"):
        search(budget=4, strategy="random", objective="table", out=tmp_path, resume=True)


def test_every_registered_strategy_can_be_made():
    for name in SEARCHES:
        gradient = GradientOptions("random") if name in GRADIENT_STRATEGIES else None
        assert isinstance(make_search(name, seed=1, gradient=gradient), SEARCHES[name])


@pytest.mark.tables
def test_default_finds_good_cells_in_the_table(data_dir):
    result = search(budget=50, seed=0, objective="table", data_dir=data_dir)
    assert len(result.evaluations) == 50
    assert result.finalists[0].value > 0.47


@pytest.mark.tables
def test_the_table_is_looked_up(data_dir):
    from surrobust.tables import load_table

    target = "jung2023/cifar10/pgd-1"
    result = search(target, budget=5, strategy="random", objective="table", data_dir=data_dir)
    table = load_table("jung2023", data_dir=data_dir)
    assert [e.value for e in result.evaluations] == [
        table.query(e.architecture, target) for e in result.evaluations
    ]

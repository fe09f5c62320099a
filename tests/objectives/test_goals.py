"""Several objectives and bounds, as users give them."""

import logging

import numpy as np
import pytest

from surrobust.errors import InvalidInputError, MissingMeasurementError
from surrobust.objectives import sources
from surrobust.objectives import sources as known
from surrobust.objectives.goals import read_bounds, read_targets
from surrobust.objectives.sources import Objective
from surrobust.searches import Bound, Goals, ParetoSearch, read_result
from surrobust.sessions import make_search, run_search, search
from surrobust.spaces import Architecture, count_flops, count_parameters

ROBUST, CLEAN = "nas-robbench-201/cifar10/pgd-8", "nas-robbench-201/cifar10/clean"
LATENCY = "hw-nas-bench/cifar10/raspi4-latency"
EDGETPU = "hw-nas-bench/cifar10/edgetpu-latency"


def smooth(cell: Architecture) -> float:
    return 0.3 + sum((1 + 0.1 * e) * (op in (2, 3)) * 0.05 for e, op in enumerate(cell.ops))


def robust(cell: Architecture) -> float:
    return smooth(cell) + 0.03 * cell.ops.count(1)


def latency(cell: Architecture) -> float:
    return 2.0 + cell.ops.count(3) + 0.1 * cell.ops.count(4)


@pytest.fixture
def toy(monkeypatch):
    """Toy tables: robust and clean accuracy, latencies of raspi4."""

    def table(target, *, data_dir=None):
        assert target in (ROBUST, CLEAN)
        return Objective("table", robust if target == ROBUST else lambda c: 0.1 + smooth(c))

    def figures(quantity, cells, data_dir):
        values = np.array([latency(cell) for cell in cells])
        if quantity == EDGETPU:
            values[values > 5] = np.nan
        return values

    monkeypatch.setattr(sources, "table_objective", table)
    monkeypatch.setattr(known, "_measured", figures)


def test_targets_are_named_in_full():
    assert read_targets(None) == {}
    assert read_targets(ROBUST) == read_targets([ROBUST])
    assert read_targets(ROBUST) == {"target": ROBUST, "targets": (), "directions": ()}
    assert read_targets([ROBUST, "raspi4-latency", "params"]) == {
        "target": ROBUST,
        "targets": (ROBUST, LATENCY, "params"),
        "directions": ("maximize", "minimize", "minimize"),
    }


@pytest.mark.parametrize("given", [[], ["params"], [ROBUST, "speed"], [ROBUST, "pgd-8"], [3]])
def test_bad_targets_are_refused(given):
    with pytest.raises(InvalidInputError, match="target: expected"):
        read_targets(given)


def test_bounds_are_named_in_full():
    bounds = read_bounds({"raspi4-latency": 10, "params": 1e6}, {"clean": 0.7}, beside=ROBUST)
    assert bounds == (
        Bound(LATENCY, 10.0, is_upper=True),
        Bound("params", 1e6, is_upper=True),
        Bound(CLEAN, 0.7, is_upper=False),
    )
    assert read_bounds(None, {}, beside=ROBUST) is None


@pytest.mark.parametrize(
    ("maximum", "message"),
    [
        ({"speed": 1}, "max: expected a target or one of clean"),
        ({"params": "1e6"}, "max: expected a finite number for params, got '1e6'"),
        ({"params": float("nan")}, "max: expected a finite number"),
        ({"raspi4-latency": 1, LATENCY: 2}, "bounds: expected each once"),
    ],
)
def test_bad_bounds_are_refused(maximum, message):
    with pytest.raises(InvalidInputError, match=message):
        read_bounds(maximum, None, beside=ROBUST)


def test_the_front_of_accuracy_latency_and_parameters(toy):
    result = search([ROBUST, "raspi4-latency", "params"], budget=25)
    assert (result.objective, result.strategy) == ("table", "default")
    for e in result.evaluations:
        cell = e.architecture
        assert e.values == (robust(cell), latency(cell), count_parameters(cell))
        assert e.value == e.values[0]
    points = {e.values for e in result.finalists}
    assert len(points) > 1
    for a in points:
        assert not any(b[0] >= a[0] and b[1] <= a[1] and b[2] <= a[2] for b in points - {a})
    values = [e.value for e in result.finalists]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize("strategy", ["random", "tpe", "local_search", "evolution", "default"])
def test_what_breaks_a_known_bound_is_never_proposed(toy, strategy):
    result = search(
        ROBUST,
        budget=20,
        strategy=strategy,
        maximum={"raspi4-latency": 3.05, "flops": 60e6},
        minimum={"params": 80_000},
    )
    assert len(result.evaluations) == 20
    for e in result.evaluations:
        assert latency(e.architecture) <= 3.05
        assert count_flops(e.architecture) <= 60e6
        assert count_parameters(e.architecture) >= 80_000
        assert e.bounded == (
            latency(e.architecture),
            count_flops(e.architecture),
            count_parameters(e.architecture),
        )


def test_a_bound_on_what_is_measured_is_learnt(toy):
    result = search(ROBUST, budget=30, maximum={"clean": 0.6})
    kept = [e.value for e in result.evaluations if e.bounded[0] <= 0.6]
    assert len(kept) < 30
    begun = [e.value for e in result.evaluations[:10] if e.bounded[0] <= 0.6]
    assert max(kept) > max(begun)
    assert all(e.bounded[0] <= 0.6 for e in result.finalists)
    assert len(result.finalists) == 5


def test_where_nothing_keeps_the_bounds_there_are_no_finalists(toy, tmp_path):
    result = search(ROBUST, budget=4, strategy="nsga2", minimum={"clean": 0.99}, out=tmp_path)
    assert result.finalists == ()
    assert read_result(tmp_path) == result


@pytest.mark.parametrize(
    ("maximum", "minimum", "message"),
    [
        ({"raspi4-latency": 1}, None, r"max: expected a bound on hw-nas-bench/.* the least is 2$"),
        (None, {"params": 1e9}, "min: expected a bound on params that some cell keeps, got 1e"),
        ({"raspi4-latency": 2.5}, {"params": 5e5}, "bounds: expected bounds that some cell keeps"),
    ],
)
def test_bounds_that_no_cell_keeps_are_refused(toy, tmp_path, maximum, minimum, message):
    with pytest.raises(InvalidInputError, match=message):
        search(ROBUST, budget=3, maximum=maximum, minimum=minimum, out=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_cells_that_did_not_run_on_a_device_are_left_out(toy):
    result = search([ROBUST, "edgetpu-latency"], budget=15, strategy="random")
    assert max(e.values[1] for e in result.evaluations) <= 5


@pytest.mark.parametrize("strategy", ["nsga2", "default"])
def test_resumed_equals_uninterrupted(toy, tmp_path, strategy):
    options = {"strategy": strategy, "maximum": {"raspi4-latency": 5}, "minimum": {"clean": 0.5}}
    targets = [ROBUST, "flops"]
    whole = search(targets, budget=16, seed=3, **options)
    search(targets, budget=11, seed=3, **options, out=tmp_path)
    assert search(budget=16, out=tmp_path, resume=True) == whole
    assert read_result(tmp_path) == whole
    for change in (
        {"maximum": {"raspi4-latency": 6}},
        {"target": ROBUST},
        {"target": targets[::-1]},
    ):
        with pytest.raises(InvalidInputError, match=r"(bounds|target|targets): expected"):
            search(**change, out=tmp_path, resume=True)


def test_devices_without_a_table_are_predicted_and_it_is_said(toy, monkeypatch, caplog):
    def missing(*_):
        raise MissingMeasurementError("not here")

    def predicted(quantity, cells):
        return np.array([cell.ops.count(3) + 0.5 for cell in cells])

    monkeypatch.setattr(known, "_measured", missing)
    monkeypatch.setattr(known, "_predicted", predicted)
    with caplog.at_level(logging.WARNING):
        result = search([ROBUST, "raspi4-latency"], budget=3, strategy="random")
    assert result.objective == "table"
    assert "its table is not here, a shipped predictor plays it" in caplog.text
    assert result.evaluations[0].values[1] == result.evaluations[0].architecture.ops.count(3) + 0.5
    with pytest.raises(MissingMeasurementError):
        search([ROBUST, "raspi4-latency"], budget=3, objective="table")


def test_what_is_predicted_is_predicted_for_all(toy, monkeypatch, caplog):
    monkeypatch.setattr(sources, "surrogate_objective", lambda _: Objective("surrogate", smooth))

    def only_clean(target, **_):
        if target == ROBUST:
            raise MissingMeasurementError("not here")
        return Objective("table", smooth)

    monkeypatch.setattr(sources, "table_objective", only_clean)
    with caplog.at_level(logging.WARNING):
        result = search([ROBUST, "clean"], budget=2, strategy="random")
    assert result.objective == "surrogate"
    assert caplog.text.count("a shipped predictor plays it") == 1


@pytest.mark.parametrize("strategy", ["evolution", "surrogate", "tpe", "zero_cost"])
def test_strategies_for_one_objective_are_refused_with_several(toy, strategy):
    with pytest.raises(InvalidInputError, match="strategy: expected one of default, random, nsga2"):
        search([ROBUST, "params"], budget=3, strategy=strategy)


def test_default_is_pareto_where_there_are_several():
    assert isinstance(make_search("default", goals=Goals((True, False))), ParetoSearch)
    assert not isinstance(make_search("default", goals=Goals((False,))), ParetoSearch)


def test_workers_do_not_share_several_objectives(toy, tmp_path):
    for options in ({"target": [ROBUST, "params"]}, {"maximum": {"params": 1e6}}):
        with pytest.raises(InvalidInputError, match="workers: expected one objective"):
            search(**options, budget=3, storage=tmp_path / "journal")
    assert not (tmp_path / "journal").exists()


def test_a_callable_may_return_several_numbers(tmp_path):
    directions = ("maximize", "minimize")
    options = {"directions": directions, "strategy": "nsga2", "seed": 1}

    def two(cell):
        return smooth(cell), np.float32(cell.ops.count(3))

    whole = run_search(two, budget=14, **options)
    assert (whole.target, whole.targets, whole.directions) == (None, (), directions)
    run_search(two, budget=9, **options, out=tmp_path)
    assert run_search(two, budget=14, out=tmp_path, resume=True) == whole
    batched = run_search(lambda cells: [two(c) for c in cells], budget=12, batch=4, **options)
    assert [e.values for e in batched.evaluations] == [
        two(e.architecture) for e in batched.evaluations
    ]
    lowest = run_search(smooth, directions=["minimize"], budget=10, strategy="random")
    assert lowest.finalists[0].value == min(e.value for e in lowest.evaluations)


def test_a_callable_with_bounds(toy):
    options = {"budget": 8, "strategy": "random", "maximum": {"params": 3e5, "raspi4-latency": 4}}
    one = run_search(smooth, **options)
    assert max(count_parameters(e.architecture) for e in one.evaluations) <= 3e5
    assert one.evaluations[0].bounded[1] == latency(one.evaluations[0].architecture)
    many = run_search(lambda cells: [smooth(c) for c in cells], batch=4, **options)
    assert many.evaluations == one.evaluations
    for change, message in (
        ({"maximum": {"clean": 0.7}}, "bounds: expected params, flops, a latency"),
        ({"directions": "maximize"}, "directions: expected a list"),
        ({"directions": ("maximize", "minimize")}, "value: expected 2 finite numbers"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            run_search(smooth, **{**options, **change})
    with pytest.raises(InvalidInputError, match="objective: expected a value for each of 4 cells"):
        run_search(lambda _: [0.1], batch=4, **options)


@pytest.mark.tables
def test_the_tables_are_looked_up(data_dir):
    from surrobust.tables import load_table

    result = search(
        [ROBUST, "raspi4-latency"],
        budget=5,
        strategy="random",
        objective="table",
        data_dir=data_dir,
        minimum={"clean": 0.3},
    )
    table, devices = (
        load_table(n, data_dir=data_dir) for n in ("nas-robbench-201", "hw-nas-bench")
    )
    for e in result.evaluations:
        cell = e.architecture
        assert e.values == (table.query(cell, ROBUST), devices.query(cell, LATENCY))
        assert e.bounded == (table.query(cell, CLEAN),)


def test_the_shipped_predictor_knows_latencies():
    values = known.known_values(LATENCY, "surrogate")
    heavy, light = (values[Architecture.parse(c).representative] for c in ("333333", "111111"))
    assert heavy > light > 0

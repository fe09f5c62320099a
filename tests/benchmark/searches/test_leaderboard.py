"""Regret and the leaderboard, by hand."""

import csv
from pathlib import Path

import numpy as np
import pytest

from surrobust.benchmark.panels import write_regret_figure
from surrobust.benchmark.searches import (
    Climb,
    SearchRun,
    regrets,
    search_standings,
    write_search_leaderboard,
)
from surrobust.benchmark.searches.leaderboard import curve, signed_rank_p
from surrobust.spaces import representative_indices

TARGET = "jung2023/cifar10/clean"
LATENCY = "hw-nas-bench/cifar10/edgetpu-latency"
LOW, HIGH = sorted(representative_indices())[100], max(representative_indices())
GAP = (HIGH - LOW) / 20000


@pytest.fixture
def runs(tables) -> list[SearchRun]:
    """``default`` finds the best at the second evaluation, ``tpe`` with one of two seeds."""
    climbs = {
        ("default", 0): ((1, LOW), (2, HIGH)),
        ("default", 1): ((1, LOW), (2, HIGH)),
        ("tpe", 0): ((1, LOW), (4, HIGH)),
        ("tpe", 1): ((1, LOW),),
        ("smac", 7): ((1, LOW),),
    }
    return [
        SearchRun(name, TARGET, seed, 4, Climb(steps), 2.0)
        for (name, seed), steps in climbs.items()
    ]


def test_regret_by_hand(runs: list[SearchRun]):
    found = {(r.strategy, r.seed, r.evaluations): r for r in regrets(runs, [1, 2, 4])}
    assert len(found) == 4 * 3 + 1  # what plans ahead tells of its own budget alone
    assert found["default", 0, 1].regret == pytest.approx(GAP)
    assert found["default", 0, 2].regret == found["tpe", 0, 4].regret == 0.0
    assert found["tpe", 0, 2].value == LOW / 20000
    assert found["tpe", 0, 4].found_best is True
    assert found["tpe", 1, 4].found_best is False
    assert found["tpe", 1, 4].seconds == 0.5


def test_regret_of_a_latency(tables):
    (found,) = regrets([SearchRun("tpe", LATENCY, 0, 4, Climb(((1, LOW),)), 1.0)], [4])
    assert found.value == pytest.approx(20 - LOW / 1000)
    assert found.regret == pytest.approx((HIGH - LOW) / 1000)


def test_the_shortest_run_that_tells_is_taken(tables):
    longer = SearchRun("tpe", TARGET, 0, 9, Climb(((1, LOW),)), 9.0)
    shorter = SearchRun("tpe", TARGET, 0, 4, Climb(((1, LOW),)), 8.0)
    assert [r.seconds for r in regrets([longer, shorter], [3, 9])] == [2.0, 1.0]


def test_standings_by_hand(runs: list[SearchRun]):
    found = search_standings(regrets(runs, [2, 4]))
    assert [(s.evaluations, s.strategy) for s in found] == [
        (2, "default"),
        (2, "tpe"),
        (4, "default"),
        (4, "tpe"),
        (4, "smac"),
    ]
    tpe, smac = found[3], found[4]
    assert (tpe.n, tpe.paired, tpe.found_best) == (2, 2, 0.5)
    assert tpe.regret == tpe.difference == pytest.approx(GAP / 2)
    assert tpe.regret_sd == pytest.approx(GAP / np.sqrt(2))
    assert smac.paired == 0
    assert np.isnan([smac.difference, smac.p_value, smac.regret_sd]).all()
    assert found[2].p_value == 1.0


def test_the_signed_rank_test_by_hand():
    # All six differences have one sign: 2 of the 2 ** 6 assignments of signs are as extreme.
    assert signed_rank_p(np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.0])) == pytest.approx(2 / 64)
    assert signed_rank_p(np.zeros(3)) == 1.0
    assert np.isnan(signed_rank_p(np.array([])))


def test_the_curve_by_hand(runs: list[SearchRun]):
    mean, error = curve([run for run in runs if run.strategy == "tpe"], TARGET)
    np.testing.assert_allclose(mean, [GAP, GAP, GAP, GAP / 2])
    np.testing.assert_allclose(error, [0, 0, 0, GAP / 2])


def test_files(runs: list[SearchRun], tmp_path: Path):
    reached = regrets(runs, [2, 4])
    found = search_standings(reached)
    paths = write_search_leaderboard(tmp_path, reached, found)
    assert [path.name for path in paths] == ["regret.csv", "leaderboard.csv", "leaderboard.md"]
    with paths[0].open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert (rows[1]["strategy"], rows[1]["evaluations"], rows[1]["regret"]) == ("default", "4", "0")
    assert rows[1]["found_best"] == "True"
    with paths[1].open(newline="") as file:
        assert [row["difference"] for row in csv.DictReader(file)][-1] == ""
    document = paths[2].read_text()
    assert f"## `{TARGET}`" in document
    line = f"| 4 | tpe | 2 | {GAP / 2:.4f} ± {GAP / np.sqrt(2):.4f} | 50% | {GAP / 2:+.4f} | 1 |"
    assert line in document
    assert f"| 4 | smac | 1 | {GAP:.4f} | 0% | – | – |" in document
    assert "nan" not in document


def test_figure(runs: list[SearchRun], tmp_path: Path):
    path = write_regret_figure(tmp_path / "curves.png", runs)
    assert path.read_bytes().startswith(b"\x89PNG")

"""The leaderboard: sums over seeds, shares of the ceiling, files."""

import csv
from pathlib import Path

import numpy as np
import pytest

from surrobust import benchmark
from surrobust.benchmark.noise import Ceiling
from surrobust.benchmark.panels import write_figure
from surrobust.benchmark.predictors import leaderboard

TARGET, LATENCY = "jung2023/cifar10/clean", "hw-nas-bench/cifar10/fpga-latency"


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[benchmark.Standing]:
    """Standings of two predictors on two targets; the ceiling is 0.8."""

    def ceiling(target: str, *, measure: str, data_dir: object) -> Ceiling:
        assert target == TARGET
        return Ceiling(0.8 if measure == "kendall_tau" else 0.9, 0.75, 0.95, 0.01, 600)

    monkeypatch.setattr(leaderboard, "ceiling", ceiling)
    monkeypatch.setattr(leaderboard, "has_ceiling", lambda target, **_: target == TARGET)
    scores = [
        benchmark.Score(name, target, n, seed, tau + 0.1 * seed, 0.6, 0.7, 0.01, 0.3, 1.0, 2.0)
        for name, tau in (("parameters", 0.1), ("gp", 0.36))
        for target in (TARGET, LATENCY)
        for n in (20, 100)
        for seed in ((0, 1) if n == 20 else (0,))
    ]
    return benchmark.standings(scores)


def test_standings_by_hand(found: list[benchmark.Standing]):
    assert [(row.target, row.n_train, row.predictor, row.n) for row in found] == [
        (target, n_train, name, n)
        for target in (LATENCY, TARGET)
        for n_train, n in ((20, 2), (100, 1))
        for name in ("gp", "parameters")
    ]
    row = found[4]
    assert row.kendall_tau == pytest.approx(0.41)
    assert row.kendall_tau_sd == pytest.approx(0.1 / np.sqrt(2))
    assert row.share_of_ceiling == pytest.approx(0.5125)
    assert (row.ceiling_lower, row.ceiling_upper, row.precision_ceiling) == (0.75, 0.95, 0.9)
    assert np.isnan(found[6].kendall_tau_sd)
    assert np.isnan(found[0].share_of_ceiling)


def test_files(found: list[benchmark.Standing], tmp_path: Path):
    table, text = benchmark.write_leaderboard(tmp_path, found)
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(found)
    assert rows[4]["share_of_ceiling"] == "0.5125"
    assert rows[0]["ceiling"] == rows[6]["kendall_tau_sd"] == ""
    document = text.read_text()
    assert "| 20 | gp | 2 | 0.410 ± 0.071 | 0.512 |" in document
    assert "| 100 | parameters | 1 | 0.100 | 0.125 |" in document
    assert "Ceiling of tau 0.800 (0.750 to 0.950)" in document
    assert "| gp | 0.512 | 0.450 |" in document
    assert "nan" not in document
    assert document.index("| gp | 0.512") < document.index("| parameters | 0.18")


def test_figure(found: list[benchmark.Standing], tmp_path: Path):
    path = write_figure(tmp_path / "curves.png", found)
    assert path.read_bytes().startswith(b"\x89PNG")

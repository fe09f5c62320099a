"""``surrobust benchmark searches``."""

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]

TARGET = "nas-robbench-201/cifar10/pgd-8"
QUICK = ["benchmark", "searches", "--strategy", "local_search", "--strategy", "optuna-random"]
QUICK += ["--target", TARGET, "--budget", "6", "--budget", "3"]
FILES = ["leaderboard.csv", "leaderboard.md", "regret-curves.png", "regret.csv", "runs.csv"]


@pytest.mark.tables
def test_a_leaderboard_is_written_and_continued(
    run_cli: Run, data_dir: Path, tmp_path: Path
) -> None:
    arguments = [*QUICK, "--data-dir", data_dir, "--out", tmp_path / "board"]
    code, out, err = run_cli([*arguments, "--seeds", "1-2", "--json"])
    assert code == 0, err
    assert out.count("\n") == 1
    document = json.loads(out)
    assert sorted(Path(path).name for path in document["files"]) == FILES
    assert sorted(path.name for path in (tmp_path / "board").iterdir()) == FILES
    assert [row["evaluations"] for row in document["leaderboard"]] == [3, 3, 6, 6]
    assert all(row["n"] == 2 and row["p_value"] is None for row in document["leaderboard"])
    lines = err.splitlines()
    assert [line.split()[0].strip("[],") for line in lines] == ["1/4", "2/4", "3/4", "4/4"]
    assert "left]" in lines[1]
    assert lines[0].endswith(" s")

    code, out, err = run_cli([*arguments, "--seeds", "3"])
    assert code == 0
    assert len(err.splitlines()) == 3  # two runs of seed 0, and what was written
    assert out.splitlines()[0].split()[:4] == ["target", "evaluations", "strategy", "n"]
    assert out.splitlines()[1].split()[3] == "3"
    with (tmp_path / "board" / "regret.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["seed"] for row in rows[:6]] == ["0", "0", "1", "1", "2", "2"]
    assert all(0 < float(row["regret"]) < 0.5 for row in rows if row["found_best"] == "False")


@pytest.mark.tables
@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--strategy", "best"], "strategy: expected one of"),
        (["--strategy", "smac"], 'strategy: expected smac to be installed for SMAC (pip install "'),
        (["--target", "nas-robbench-201/cifar10/pgd-9"], "pgd-8"),
        (["--budget", "0"], "--budget"),
        (["--seeds", "5-3"], "'5-3': expected a number such as 5, or a range such as 0-49"),
        (["--seeds", "5-6", "--seed", "2"], "--seed: expected none with --seeds 5-6, got 2"),
        (["--seeds", "2", "--seed", "4294967295"], "--seed: expected one with 2 seeds up to"),
    ],
)
def test_mistakes_end_before_anything_is_written(
    run_cli: Run,
    data_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    more: list[str],
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "smac", None)
    code, out, err = run_cli([*QUICK, "--data-dir", data_dir, *more])
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert told in err
    assert not list(tmp_path.iterdir())

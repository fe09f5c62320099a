"""``surrobust benchmark``."""

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]

TARGET = "nas-robbench-201/cifar10/pgd-8"
QUICK = ["benchmark", "predictors", "--predictor", "random_forest", "--target", TARGET]
QUICK += ["--n-train", "20"]
FILES = ["leaderboard.csv", "leaderboard.md", "learning-curves.png", "scores.csv"]


@pytest.mark.tables
def test_a_leaderboard_is_written_and_continued(
    run_cli: Run, data_dir: Path, tmp_path: Path
) -> None:
    arguments = [*QUICK, "--data-dir", data_dir, "--out", tmp_path / "board"]
    code, out, err = run_cli([*arguments, "--seeds", "1", "--json"])
    assert code == 0, err
    assert out.count("\n") == 1
    document = json.loads(out)
    assert sorted(Path(path).name for path in document["files"]) == FILES
    assert sorted(path.name for path in (tmp_path / "board").iterdir()) == FILES
    best, baseline = document["leaderboard"]
    assert (best["predictor"], baseline["predictor"]) == ("random_forest", "parameters")
    assert best["share_of_ceiling"] == pytest.approx(best["kendall_tau"] / best["ceiling"])
    assert best["kendall_tau_sd"] is None
    assert 0.9 < best["ceiling_lower"] <= best["ceiling"] <= best["ceiling_upper"] < 1.0
    assert [line.split()[0] for line in err.splitlines()] == ["[1/2]", "[2/2]"]

    code, out, err = run_cli([*arguments, "--seeds", "2"])
    assert code == 0
    assert [line.split()[0] for line in err.splitlines()[:-1]] == ["[3/4]", "[4/4]"]
    assert out.splitlines()[0].split()[:4] == ["target", "n_train", "predictor", "n"]
    assert out.splitlines()[1].split()[:4] == [TARGET, "20", "random_forest", "2"]
    with (tmp_path / "board" / "scores.csv").open(newline="") as file:
        assert [row["seed"] for row in csv.DictReader(file)] == ["0", "1", "0", "1"]


@pytest.mark.tables
def test_without_matplotlib_the_figure_is_left_out(
    run_cli: Run, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    arguments = ["benchmark", "predictors", "--predictor", "parameters", "--target", TARGET]
    arguments += ["--n-train", "20", "--seeds", "1", "--out", tmp_path, "--data-dir", data_dir]
    code, _, err = run_cli(arguments)
    assert code == 0
    assert err.count("figure left out: matplotlib is not installed") == 1
    assert not (tmp_path / "learning-curves.png").exists()


@pytest.mark.tables
@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--predictor", "best"], "predictor: expected one of"),
        (["--target", "nas-robbench-201/cifar10/pgd-9"], "pgd-8"),
        (["--n-train", "6465"], "n_train: expected 2..6464, got 6465"),
        (["--out", "damaged"], "scores.csv: line 2: expected one score, got 1 fields"),
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
    (tmp_path / "damaged").mkdir()
    columns = "predictor,target,n_train,seed,kendall_tau,spearman,r2,rmse,precision_at_100"
    damaged = tmp_path / "damaged" / "scores.csv"
    damaged.write_text(f"{columns},fit_seconds,predict_seconds\ntruncat")
    before = damaged.read_text()
    code, out, err = run_cli([*QUICK, "--data-dir", data_dir, *more])
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert told in err
    assert [path.name for path in tmp_path.rglob("*")] == ["damaged", "scores.csv"]
    assert damaged.read_text() == before

"""``surrobust analyze``."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.tables
def test_parts_are_written_and_told(run_cli: Run, data_dir: Path, tmp_path: Path) -> None:
    arguments = ["analyze", "--part", "capacity", "--data-dir", data_dir, "--out", tmp_path / "a"]
    code, out, err = run_cli([*arguments, "--json"])
    assert code == 0, err
    document = json.loads(out)
    (part,) = document["parts"]
    assert part["part"] == "capacity"
    assert [Path(path).name for path in part["files"]] == ["capacity.csv", "capacity.png"]
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [
        "capacity.csv",
        "capacity.png",
    ]
    assert "405 cells of 559386 parameters" in part["findings"][0]["headline"]
    code, out, _ = run_cli(arguments)
    assert (code, out) == (0, f"capacity: {part['findings'][0]['headline']}\n")


@pytest.mark.tables
def test_without_matplotlib_only_figures_are_left_out(
    run_cli: Run, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    arguments = ["--part", "capacity", "--data-dir", data_dir, "--out", tmp_path]
    code, _, err = run_cli(["analyze", *arguments])
    assert code == 0
    assert err.count("figures left out: matplotlib is not installed") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["capacity.csv"]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--part", "everything"], "part: expected one of distributions"),
        (["--data-dir", "nowhere"], "nowhere"),
        (["--out", "file"], "--out: expected a folder"),
    ],
)
def test_mistakes_end_before_anything_is_written(
    run_cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: list[str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    code, out, err = run_cli(["analyze", "--data-dir", tmp_path, *more])
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert told in err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]

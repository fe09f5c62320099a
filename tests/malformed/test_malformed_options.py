"""Malformed option values of every command."""

from collections.abc import Callable
from pathlib import Path

import pytest

Refused = Callable[..., str]

COMMAND_LINES = [
    # (arguments, what the line must name)
    ("predict", "FILE|ARCH"),
    ("predict 2581 --coverage 2", "coverage"),
    ("predict 2581 --coverage 1", "coverage"),
    ("predict 2581 --coverage 0", "coverage"),
    ("predict 2581 --coverage -0.1", "coverage"),
    ("predict 2581 --coverage 90", "coverage"),
    ("predict 2581 --coverage nan", "coverage"),
    ("predict 2581 --coverage inf", "coverage"),
    ("predict 2581 --coverage 1e-400", "coverage"),
    ("predict 2581 --coverage high", "coverage"),
    ("predict 2581 --coverage", "coverage"),
    ("predict 2581 --target x", "x"),
    ("predict 2581 --target a/b/c", "a/b/c"),
    ("predict 2581 --target nas-robbench-201/cifar10/pgd-9", "pgd-8"),
    ("predict 2581 --target nas-robbench-201/cifar11/pgd-8", "cifar10"),
    ("predict 2581 --target nas-robbench-201/cifar10", "target"),
    ("predict 2581 --target //", "target"),
    ("predict 2581 --predictor no-such-predictor", "no-such-predictor"),
    ("predict 2581 --predictor nowhere/model", "nowhere/model"),
    ("predict 2581 --predictor .", "card.json"),
    ("predict 2581 --predictor /dev/null", "/dev/null"),
    ("predict 2581 --seed x", "--seed"),
    ("predict 2581 --seed 1.5", "--seed"),
    ("predict 2581 --seed 4294967296", "--seed"),
    ("predict 2581 --no-such-option", "--no-such-option"),
    ("search --budget 0", "--budget"),
    ("search --budget -1", "--budget"),
    ("search --budget x", "--budget"),
    ("search --budget 1.5", "--budget"),
    ("search --budget 1e3", "--budget"),
    ("search --strategy best", "strategy"),
    ("search --strategy os.system", "strategy"),
    ("search --objective measure", "--objective"),
    ("search --target x", "target"),
    ("search --target nas-robbench-201/cifar10/pgd-9", "pgd-8"),
    ("search --target no-such-benchmark/cifar10/clean", "no-such-benchmark"),
    ("search --resume", "--out"),
    ("search --target params", "target"),
    ("search --target nas-robbench-201/cifar10/clean --target speed", "speed"),
    ("search --target nas-robbench-201/cifar10/clean --target clean", "once"),
    ("search --target nas-robbench-201/cifar10/clean --target params --strategy tpe", "strategy"),
    ("search --target nas-robbench-201/cifar10/clean --target params --workers 2", "workers"),
    ("search --max", "--max"),
    ("search --max params", "NAME=NUMBER"),
    ("search --max params=", "NAME=NUMBER"),
    ("search --max params=many", "NAME=NUMBER"),
    ("search --max params=nan", "NAME=NUMBER"),
    ("search --max params=1e6 --max params=2e6", "twice"),
    ("search --max params=3 --objective surrogate", "the least is"),
    ("search --min =3", "min"),
    ("search --min speed=3", "speed"),
    ("search --min clean=0.5 --strategy evolution --objective surrogate", "strategy"),
    ("search extra", "extra"),
    ("search --seed -1", "--seed"),
    ("search --objective table --data-dir nowhere", "surrobust data fetch"),
    ("search --budget 2 --out file/run --objective surrogate", "file"),
    ("convert", "FILE|ARCH"),
    ("convert 2581 --to roman", "roman"),
    ("convert 2581 --to", "--to"),
    ("fit", "--out"),
    ("fit --out model", "--target"),
    ("fit --out model --target nas-robbench-201/cifar10/pgd-8 --data values.csv", "both"),
    ("fit --out model --target x", "target"),
    ("fit --out model --target nas-robbench-201/cifar10/pgd-9", "pgd-9"),
    ("fit --out model --target a/b/c --target d/e/f", "one benchmark"),
    ("fit --out model --target a/b/c", "benchmark"),
    ("fit --out model --data nowhere.csv", "nowhere.csv"),
    ("fit --out model --data values.csv --predictor best", "best"),
    ("fit --out model --data values.csv --predictor surrobust.predictors", "surrobust.predictors"),
    ("fit --out model --data values.csv --n-train 0", "n-train"),
    ("fit --out model --data values.csv --n-train -3", "n-train"),
    ("fit --out model --data values.csv --n-train x", "n-train"),
    ("fit --out model --data values.csv --n-train 5", "n-train"),
    ("fit --out folder --data values.csv", "folder"),
    ("fit --out file --data values.csv", "file"),
    ("fit --out file/model --data values.csv", "file"),
    ("data", "command"),
    ("data get", "get"),
    ("data list extra", "extra"),
    ("data fetch no-such-table", "no-such-table"),
    ("data fetch --mirror nowhere", "nowhere"),
    ("data import", "Missing argument"),
    ("data import nowhere.json", "nowhere.json"),
    ("models", "command"),
    ("models drop", "drop"),
    ("models list extra", "extra"),
    ("models show no-such-predictor", "no-such-predictor"),
    ("models show ../..", "card.json"),
    ("models show folder", "card.json"),
    ("benchmark", "command"),
    ("benchmark searchers", "searchers"),
    ("benchmark predictors extra", "extra"),
    ("benchmark predictors --predictor best", "best"),
    ("benchmark predictors --target x", "target"),
    ("benchmark predictors --target a/b/c", "benchmark"),
    ("benchmark predictors --target nas-robbench-201/cifar10/pgd-9", "pgd-9"),
    ("benchmark predictors --n-train x", "--n-train"),
    ("benchmark predictors --seeds 0", "--seeds"),
    ("benchmark predictors --jobs 0", "--jobs"),
    ("benchmark predictors --seed -1", "--seed"),
    ("benchmark predictors --seeds 2 --seed 4294967295", "--seed"),
    ("benchmark predictors --out file", "file"),
    ("benchmark predictors --out file/board", "file"),
    ("benchmark predictors --data-dir nowhere", "surrobust data fetch"),
]


WELL_FORMED = [
    "predict 2581 --coverage 0.5",
    "predict 2581 --target nas-robbench-201/cifar10/pgd-8 --seed 4294967295",
    "search --budget 1 --objective surrogate --strategy random --seed 3",
    "search --budget 2 --objective surrogate --max params=1e6 --strategy random --out run",
    "convert 2581 --to code",
    "fit --out model --data values.csv --predictor xgboost --n-train 3",
    "data list",
    "models list",
    "models show nas-robbench-201-v1",
]
"""What malformed lines are changes of."""


@pytest.mark.parametrize("line", WELL_FORMED)
@pytest.mark.usefixtures("_files")
def test_a_well_formed_command_line_is_taken(
    run_cli: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run_cli(line.split())
    assert code == 0, err
    assert out


@pytest.fixture
def _files(tmp_path: Path, toy_shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SURROBUST_DATA", str(tmp_path / "no-data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "no-cache"))
    (tmp_path / "values.csv").write_text("architecture,value\n0,0.1\n1,0.2\n2,0.3\n3,0.4\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "notes.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")


@pytest.mark.parametrize(("line", "told"), COMMAND_LINES, ids=[line for line, _ in COMMAND_LINES])
@pytest.mark.usefixtures("_files")
def test_a_malformed_command_line_is_refused(refused: Refused, line: str, told: str) -> None:
    assert told in refused(line.split())
